/**
 * The server's clock as this page knows it. An answer's Date header is a lower bound of the server's time at its arrival: the
 * journey took a while, and a cached answer is older still. The greatest bound is therefore the best one. It is kept against
 * the monotonic clock, so that changing the device's clock changes nothing.
 */
let offsetMs = Number.NEGATIVE_INFINITY;

// A device that slept may have stopped its monotonic clock: what was learned before is worth nothing then.
let awakeMs = Date.now() - performance.now();
const sleptMsMax = 2_000;

export function noteServerTime(dateHeader: string | null): void {
  const at = Date.parse(dateHeader ?? '');
  if (Number.isNaN(at)) return;
  const nowAwakeMs = Date.now() - performance.now();
  if (Math.abs(nowAwakeMs - awakeMs) > sleptMsMax) {
    awakeMs = nowAwakeMs;
    offsetMs = Number.NEGATIVE_INFINITY;
  }
  offsetMs = Math.max(offsetMs, at - performance.now());
}

/** Milliseconds since 1970, by the server's clock; by the device's until an answer has told. */
export const serverNow = (): number =>
  Number.isFinite(offsetMs) ? performance.now() + offsetMs : Date.now();
