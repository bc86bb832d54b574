import { Connection, type Answer } from './connection.ts';

export type Request = { readonly path: string; readonly headers: string; readonly body: string };

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
export async function closedLoop(options: {
  host: string;
  port: number;
  clients: number;
  secondsMax: number;
  next: () => Request | undefined;
  onAnswer?: (request: Request, answer: Answer) => void;
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
        const answer = await connection.post(request.path, request.headers, request.body);
        latencies.push(performance.now() - sentAt);
        byStatus[answer.status] = (byStatus[answer.status] ?? 0) + 1;
        onAnswer?.(request, answer);
      }
      connection.close();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => Number((latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2));
  return {
    answers: latencies.length,
    seconds: Number(seconds.toFixed(2)),
    perSecond: Math.round(latencies.length / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    byStatus,
  };
}
