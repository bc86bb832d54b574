import { pino, type Logger } from 'pino';

export type Log = Logger;

/** An error as the log has it. What PostgreSQL adds in `detail` and `where` may be a whole row, of a person's. */
function withoutRows(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { detail: _, where: __, ...rest } = pino.stdSerializers.errWithCause(error);
  return rest;
}

/**
 * One JSON line per event. What must never be in a log is not passed to it; the redaction below is the second net, for
 * objects that carry a secret by accident (invariant 14).
 */
export function createLog(level: string, destination?: { write(line: string): void }): Log {
  const options = {
    // Each service is a child with its name; a process and a host are what the collector adds.
    base: {},
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: withoutRows },
    redact: [
      'password',
      'email',
      'token',
      'accessToken',
      'authorization',
      '*.password',
      '*.email',
      '*.accessToken',
    ],
  };
  return destination ? pino(options, destination) : pino(options);
}
