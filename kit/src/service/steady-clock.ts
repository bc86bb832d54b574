/**
 * Milliseconds that only ever pass, as fast as time does: the epoch by the machine's clock when this process began, and what
 * has gone by since. For every wait, deadline and interval of a process. Nobody can set it, so it neither jumps nor stops; what
 * it reads means nothing to another process.
 */
export const steadyNow = (): number => performance.timeOrigin + performance.now();
