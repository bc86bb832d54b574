import { useEffect, useState } from 'react';
import { serverNow } from '../api/clock.ts';

/** Milliseconds left until then by the server's clock, anew with each second of it; negative afterwards. */
export function useTimeLeft(iso: string | undefined): number {
  const until = iso === undefined ? Number.NaN : Date.parse(iso);
  const [leftMs, setLeftMs] = useState(() => until - serverNow());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tick = () => {
      const left = until - serverNow();
      setLeftMs(left);
      // The next whole second of what is left, a little later rather than a little earlier.
      if (left > 0) timer = setTimeout(tick, (left % 1_000) + 20);
    };
    tick();
    return () => clearTimeout(timer);
  }, [until]);
  return leftMs;
}
