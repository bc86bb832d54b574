import { create, fromBinary, toBinary, type DescMethod, type DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, status, type ServiceConfig } from '@grpc/grpc-js';
import type { Spans } from '../telemetry/spans.ts';
import { rpcErrorOf } from './failures.ts';
import { checkHealth } from './health.ts';
import { asItIs, bufferOf, messageBytesMax, pathOf, unaryOf, type Calls } from './methods.ts';
import { scopeHere } from './scope.ts';
import { targetOf } from './target.ts';
import { sendTrace, spanned, spanOf } from './trace.ts';

export type RpcClientOptions<Service extends DescService> = {
  /** For an answer, everything included; the caller's own deadline is kept when it is nearer. */
  readonly deadlineMs?: number;
  /** For methods that take longer. */
  readonly deadlinesMs?: Partial<Readonly<Record<keyof Calls<Service>, number>>>;
  readonly spans?: Spans | undefined;
};

export type RpcClient<Service extends DescService> = {
  readonly call: Calls<Service>;
  /** Rejects unless a server serves this service. */
  check(): Promise<void>;
  close(): void;
};

const defaultDeadlineMs = 2_000;
const checkMs = 2_000;

/**
 * One channel to all servers of a service, each asked in turn. `addresses` is a gRPC target, or what `targetOf` makes one of.
 * Connects when it is first asked.
 */
export function rpcClient<Service extends DescService>(
  service: Service,
  addresses: string,
  { deadlineMs = defaultDeadlineMs, deadlinesMs = {}, spans }: RpcClientOptions<Service> = {},
): RpcClient<Service> {
  const client = new Client(targetOf(addresses), credentials.createInsecure(), {
    ...channelOptions,
    'grpc.service_config': JSON.stringify(serviceConfigOf(service)),
  });
  const limits: Readonly<Record<string, number | undefined>> = deadlinesMs;
  const call = Object.fromEntries(
    unaryOf(service).map((method) => {
      const withinMs = limits[method.localName] ?? deadlineMs;
      return [method.localName, (request: Init) => ask({ client, method, withinMs, spans }, request)];
    }),
  );
  return {
    // Made of the same descriptor that the type is made of.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    call: call as unknown as Calls<Service>,
    check: () => checkHealth(client, service.typeName, checkMs),
    close: () => client.close(),
  };
}

const channelOptions = {
  'grpc.max_receive_message_length': messageBytesMax,
  'grpc.max_send_message_length': messageBytesMax,
  // A server that vanished without a word is noticed before somebody waits for it.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  // A service that restarts is back in a moment; the defaults would leave it alone for up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.dns_min_time_between_resolutions_ms': 5_000,
  // The configuration is the one below; names are not asked for another.
  'grpc.service_config_disable_resolution': 1,
  // Our services are reached directly, whatever proxy the environment has for the world outside.
  'grpc.enable_http_proxy': 0,
};

/**
 * Reads, and changes that may be repeated, are tried again when no server could be reached, within the deadline and with a
 * jittered pause; any other change never is, for nobody knows whether it was done. Which is which is written in the proto (`idempotency_level`). When half of
 * many calls fail, trying again is stopped altogether: it would only add to the load.
 */
const serviceConfigOf = (service: DescService): ServiceConfig => ({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: unaryOf(service)
        .filter(({ idempotency }) => idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN)
        .map(({ name }) => ({ service: service.typeName, method: name })),
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.05s',
        maxBackoff: '0.5s',
        backoffMultiplier: 3,
        retryableStatusCodes: [status.UNAVAILABLE],
      },
    },
  ],
  retryThrottling: { maxTokens: 1_000, tokenRatio: 0.1 },
});

type Init = Record<string, unknown>;
type Asking = {
  readonly client: Client;
  readonly method: DescMethod;
  readonly withinMs: number;
  readonly spans: Spans | undefined;
};

async function ask({ client, method, withinMs, spans }: Asking, request: Init): Promise<object> {
  const path = pathOf(method);
  const here = scopeHere();
  const deadline = Math.min(Date.now() + withinMs, here.deadline);
  const bytes = bufferOf(toBinary(method.input, create(method.input, request)));
  const span = spanOf(spans, here.traceparent, 'client', method);
  const metadata = new Metadata();
  sendTrace(span?.traceparent ?? here.traceparent, metadata);
  const answer = new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(path, asItIs, asItIs, bytes, metadata, { deadline }, (error, answered) => {
      if (error || !answered)
        reject(rpcErrorOf(path, error ?? { code: status.INTERNAL, details: 'no answer' }));
      else resolve(answered);
    });
  });
  return fromBinary(method.output, await spanned(span, answer));
}
