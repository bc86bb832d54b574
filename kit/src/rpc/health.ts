import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status, type Client, type handleUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from './generated/grpc/health/v1/health_pb.ts';
import { RpcError, rpcErrorOf, told } from './failures.ts';
import { asItIs, bufferOf, pathOf } from './methods.ts';

export const healthPath = pathOf(Health.method.check);

const answerOf = (isServing: boolean): Buffer =>
  bufferOf(
    toBinary(
      HealthCheckResponseSchema,
      create(HealthCheckResponseSchema, {
        status: isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING,
      }),
    ),
  );

/** Answers for the server as a whole (no name) and for each service by name. It is outside the limit of running calls. */
export function healthHandler(
  serves: (service: string) => boolean,
  isServing: () => Promise<boolean>,
): handleUnaryCall<Buffer, Buffer> {
  const respond = async (request: Buffer, callback: sendUnaryData<Buffer>): Promise<void> => {
    const service = nameIn(request);
    if (service === undefined) callback(told.unreadable);
    else if (service !== '' && !serves(service)) callback(told.unknown);
    else callback(null, answerOf(await isServing()));
  };
  return (call, callback) => void respond(call.request, callback);
}

function nameIn(request: Buffer): string | undefined {
  try {
    return fromBinary(HealthCheckRequestSchema, request).service;
  } catch {
    return undefined;
  }
}

/** Rejects unless the server at the other end serves. */
export function checkHealth(client: Client, service: string, withinMs: number): Promise<void> {
  const request = bufferOf(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })));
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      healthPath,
      asItIs,
      asItIs,
      request,
      { deadline: Date.now() + withinMs },
      (error, bytes) => {
        if (error || !bytes) {
          reject(rpcErrorOf(healthPath, error ?? { code: status.INTERNAL, details: 'no answer' }));
          return;
        }
        const answer = fromBinary(HealthCheckResponseSchema, bytes);
        if (answer.status === ServingStatus.SERVING) resolve();
        else reject(new RpcError('UNAVAILABLE', `${service} does not serve`));
      },
    );
  });
}
