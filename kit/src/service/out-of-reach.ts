/** Whether what failed is a server that restarts, is full or does not answer in time: to try again in a moment may well succeed. */
export function isOutOfReach(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    // Of the network and of PostgreSQL, by SQLSTATE class.
    /^(ECONN|EPIPE|ENOENT|57P0|53|08)/.test(code) ||
    // Of gRPC, by name.
    /^(UNAVAILABLE|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED)$/.test(code) ||
    /timeout|terminated/i.test(error.message)
  );
}

/**
 * Whether there was no server to ask, or it had no room for anybody, so that what it was to be asked is not to blame. Not a
 * connection that ended in the middle: the server may have died of just that.
 */
export function isServerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  // Disk full, too many connections, being shut down, not up yet; and a pool that got no connection in time.
  return (
    /^(ECONNREFUSED|ENOENT|53100|53300|57P01|57P03)$/.test(code) ||
    /when trying to connect/.test(error.message)
  );
}
