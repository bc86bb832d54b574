/** Nothing was asked, because there was no connection to ask by. `code` is the network's, where it gave one. */
export class NotConnected extends Error {
  readonly code: string;

  constructor(what: string, cause: Error) {
    super(`No connection to ${what}: ${cause.message}`, { cause });
    this.code = 'code' in cause ? String(cause.code) : '';
  }
}

/** Whether what failed is a server that restarts, is full or does not answer in time: to try again in a moment may well succeed. */
export function isOutOfReach(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    error instanceof NotConnected ||
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
  if (error instanceof NotConnected) return true;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // Disk full, too many connections, being shut down, not up yet.
  return /^(ECONNREFUSED|ENOENT|53100|53300|57P01|57P03)$/.test(code);
}
