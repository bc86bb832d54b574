import { create, fromBinary, toBinary, type DescMethod, type DescService } from '@bufbuild/protobuf';
import {
  Server,
  ServerCredentials,
  type handleUnaryCall,
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { isIPv6 } from 'node:net';
import { ConfigurationError, isOutOfReach, type Log } from '../service/index.ts';
import type { Spans } from '../telemetry/spans.ts';
import { told, type Told } from './failures.ts';
import { healthHandler, healthPath } from './health.ts';
import {
  asItIs,
  bufferOf,
  messageBytesMax,
  pathOf,
  unaryOf,
  type Handlers,
  type RunningCall,
} from './methods.ts';
import { withinScope } from './scope.ts';
import { spanned, spanOf, traceGiven, traceIdGiven } from './trace.ts';

export type RpcServerOptions = {
  readonly log: Log;
  /**
   * Calls of each service that may run at once; one more is refused. What they wait for, a pool of connections, is much smaller.
   * A crowd at one service leaves the room of the others free.
   */
  readonly runningMax?: number | undefined;
  /** Throws when this process could not answer; health checks say so. */
  readonly ready?: () => Promise<void>;
  readonly spans?: Spans | undefined;
};

type Answer = (request: object, call: RunningCall) => Promise<Record<string, unknown>>;

const connectionOptions = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // A client looks for servers when it has lost one: so it finds those that were added. What runs comes to its end.
  'grpc.max_connection_age_ms': 60_000,
  'grpc.max_connection_age_grace_ms': 30_000,
};

/** Answers calls of any number of services, and health checks, on one port. */
export class RpcServer {
  readonly #log: Log;
  readonly #runningMax: number;
  readonly #spans: Spans | undefined;
  readonly #server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    ...connectionOptions,
  });
  /** By the name of the service. */
  readonly #running = new Map<string, Set<Promise<void>>>();
  #isStopping = false;

  constructor({ log, runningMax = 256, ready = async () => {}, spans }: RpcServerOptions) {
    this.#log = log;
    this.#runningMax = runningMax;
    this.#spans = spans;
    const isServing = async (): Promise<boolean> => !this.#isStopping && (await isReady(ready));
    const health = healthHandler((service) => this.#running.has(service), isServing);
    this.#server.register(healthPath, health, asItIs, asItIs, 'unary');
  }

  /** Before `listen`. */
  serve<Service extends DescService>(service: Service, handlers: Handlers<Service>): void {
    const running = new Set<Promise<void>>();
    this.#running.set(service.typeName, running);
    for (const method of unaryOf(service)) {
      // The type of `handlers` has one for each of them, with the messages of that method.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const answer = (handlers as unknown as Readonly<Record<string, Answer>>)[method.localName];
      if (!answer) throw new Error(`${pathOf(method)} has no handler.`);
      this.#server.register(pathOf(method), this.#handler(method, answer, running), asItIs, asItIs, 'unary');
    }
  }

  /** Resolves with `host:port`; port 0 is a free one. */
  listen(host: string, port: number): Promise<string> {
    const name = isIPv6(host) ? `[${host}]` : host;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${name}:${port}`, ServerCredentials.createInsecure(), (cause, bound) => {
        if (cause)
          reject(
            new ConfigurationError(`gRPC cannot listen at ${name}:${port}: ${cause.message}`, { cause }),
          );
        else resolve(`${name}:${bound}`);
      });
    });
  }

  /** Takes no new call and lets the running ones end; after `graceMs` they are cut off. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve());
    });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'over'>((resolve) => {
      timer = setTimeout(() => resolve('over'), graceMs);
    });
    // A handler whose caller is gone still uses what is about to be closed behind us.
    const running = [...this.#running.values()].flatMap((calls) => [...calls]);
    const ended = Promise.all([closed, ...running]);
    if ((await Promise.race([ended, patience])) === 'over') this.#server.forceShutdown();
    clearTimeout(timer);
  }

  #handler(method: DescMethod, answer: Answer, running: Set<Promise<void>>): handleUnaryCall<Buffer, Buffer> {
    return (call, callback) => {
      const deadline = Number(call.getDeadline());
      const refusal = this.#refusal(call, deadline, running);
      if (refusal) {
        callback(refusal);
        return;
      }
      const responding = this.#respond(method, answer, call, deadline, callback);
      running.add(responding);
      void responding.finally(() => running.delete(responding));
    };
  }

  async #respond(
    method: DescMethod,
    answer: Answer,
    call: ServerUnaryCall<Buffer, Buffer>,
    deadline: number,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    let bytes: Buffer;
    try {
      bytes = await this.#run(method, answer, call, deadline);
    } catch (error) {
      callback(this.#toldOf(error, method, call.metadata));
      return;
    }
    callback(null, bytes);
  }

  /** Nobody waits any more for what has passed its deadline or was cancelled, so it is not begun. */
  #refusal(
    call: ServerUnaryCall<Buffer, Buffer>,
    deadline: number,
    running: ReadonlySet<Promise<void>>,
  ): Told | null {
    if (call.cancelled || deadline <= Date.now()) return told.late;
    return running.size < this.#runningMax ? null : told.full;
  }

  #run(
    method: DescMethod,
    answer: Answer,
    { metadata, request: bytes }: ServerUnaryCall<Buffer, Buffer>,
    deadline: number,
  ): Promise<Buffer> {
    const given = traceGiven(metadata);
    const span = spanOf(this.#spans, given, 'server', method);
    const scope = { deadline, traceparent: span?.traceparent ?? given };
    const remainingMs = () => deadline - Date.now();
    const answered = withinScope(scope, async () => {
      const request = readable(() => fromBinary(method.input, bytes));
      const result = await answer(request, { deadline, remainingMs });
      return bufferOf(toBinary(method.output, create(method.output, result)));
    });
    return spanned(span, answered);
  }

  #toldOf(error: unknown, method: DescMethod, metadata: Metadata): Told {
    if (error instanceof Unreadable) return told.unreadable;
    const context = { error, path: pathOf(method), traceId: traceIdGiven(metadata) };
    if (isOutOfReach(error)) {
      this.#log.warn(context, 'what a call needs is out of reach');
      return told.outOfReach;
    }
    this.#log.error(context, 'a call failed');
    return told.fault;
  }
}

class Unreadable extends Error {}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Unreadable('the request could not be read', { cause });
  }
}

const isReady = (ready: () => Promise<void>): Promise<boolean> =>
  ready().then(
    () => true,
    () => false,
  );
