/** A sale in full swing: about half is gone, in runs as people buy, and the same each time. */
export function mixedStates(index: number): number {
  const run = Math.imul(Math.floor(index / 3) + 7, 2_654_435_761) >>> 0;
  const share = run / 2 ** 32;
  const gone = 0.35 + 0.3 * Math.sin(index / 900);
  if (share > gone) return 0;
  return share < gone * 0.25 ? 1 : 2;
}
