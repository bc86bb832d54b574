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
