import { status } from '@grpc/grpc-js';

/** A call that got no answer. `code` is the name of a gRPC status. */
export class RpcError extends Error {
  override name = 'RpcError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What grpc-js reports of a call, as an error of ours. */
export const rpcErrorOf = (path: string, cause: { code: number; details: string }): RpcError =>
  new RpcError(status[cause.code] ?? 'UNKNOWN', `${path}: ${cause.details}`, { cause });

/** What the other side is told of a fault: nothing that only we should know. */
export type Told = { readonly code: status; readonly details: string };

export const told = {
  late: { code: status.DEADLINE_EXCEEDED, details: 'The deadline had passed.' },
  full: { code: status.RESOURCE_EXHAUSTED, details: 'Too many calls are running.' },
  unreadable: { code: status.INVALID_ARGUMENT, details: 'The request could not be read.' },
  unknown: { code: status.NOT_FOUND, details: 'There is no such service here.' },
  outOfReach: { code: status.UNAVAILABLE, details: 'Something behind this service is out of reach.' },
  fault: { code: status.INTERNAL, details: 'An internal error.' },
} as const satisfies Readonly<Record<string, Told>>;
