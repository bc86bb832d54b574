import type { Scene } from '../fault.ts';

/** Does something over and over until it is told to stop; `rest` waits, and no longer than that. */
export function againAndAgain(
  { pause }: Scene,
  work: (rest: (ms: number) => Promise<void>) => Promise<void>,
): () => Promise<void> {
  const ending = new AbortController();
  const ended = new Promise<void>((done) => ending.signal.addEventListener('abort', () => done()));
  const rest = (ms: number) => Promise.race([pause(ms), ended]);
  const working = (async () => {
    while (!ending.signal.aborted) {
      await work(rest);
      // A run that is being stopped does not pause; whoever breaks things has to all the same.
      await new Promise((turn) => setTimeout(turn, 10));
    }
  })();
  // Told when it is stopped, not as soon as it happens.
  working.catch(() => {});
  return async () => {
    ending.abort();
    await working;
  };
}
