import { Connection, type Answer } from './connection.ts';

export type Request = {
  /** POST, when nothing is said. */
  readonly method?: 'GET';
  readonly path: string;
  readonly headers: string;
  readonly body: string;
};

export const ask = (connection: Connection, { method, path, headers, body }: Request): Promise<Answer> =>
  method === 'GET' ? connection.get(path, headers) : connection.post(path, headers, body);

export type LoopResult = {
  readonly answers: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly byStatus: Readonly<Record<string, number>>;
};

/**
 * `clients` connections, each sending its next request when the last was answered (closed loop), until `requests` has no more
 * or `secondsMax` is over.
 */
export async function closedLoop<R extends Request>(options: {
  host: string;
  port: number;
  clients: number;
  secondsMax: number;
  next: () => R | undefined;
  onAnswer?: (request: R, answer: Answer, latencyMs: number) => void;
}): Promise<LoopResult> {
  const { host, port, clients, secondsMax, next, onAnswer } = options;
  const latencies: number[] = [];
  const byStatus: Record<string, number> = {};
  const startedAt = performance.now();
  const endAt = startedAt + secondsMax * 1_000;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const connection = new Connection(host, port);
      for (;;) {
        const sentAt = performance.now();
        const request = sentAt < endAt ? next() : undefined;
        if (!request) break;
        const answer = await ask(connection, request);
        const latencyMs = performance.now() - sentAt;
        latencies.push(latencyMs);
        byStatus[answer.status] = (byStatus[answer.status] ?? 0) + 1;
        onAnswer?.(request, answer, latencyMs);
      }
      connection.close();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    answers: latencies.length,
    seconds: Number(seconds.toFixed(2)),
    perSecond: Math.round(latencies.length / seconds),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    byStatus,
  };
}

/** The value below which `share` of them lie, to a hundredth; 0 when there is none. Sorts the list in place. */
export function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return Number((values[Math.floor(values.length * share)] ?? 0).toFixed(2));
}
