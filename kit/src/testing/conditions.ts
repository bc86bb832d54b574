/** Resolves when `condition` holds; throws with `what` when it does not within `withinMs`. No test waits for a guessed time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) throw new Error(`It did not come true within ${withinMs} ms: ${what}.`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

/** A point at which a test holds something up: `reached` resolves when it got there, `open` lets it go on. */
export function gate(): { reached: Promise<void>; pass: () => Promise<void>; open: () => void } {
  let arrive: () => void = () => {};
  let open: () => void = () => {};
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    pass: () => {
      arrive();
      return opened;
    },
    open: () => open(),
  };
}
