/** Resolves when `condition` holds; throws with `what` when it does not within `withinMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  everyMs = 20,
): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) throw new Error(`It did not come true within ${withinMs} ms: ${what}.`);
    await pause(everyMs);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms));
