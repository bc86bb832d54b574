import { Connection, type Answer } from './connection.ts';
import { ask, type Request } from './closed-loop.ts';

export type Second = {
  sent: number;
  notSent: number;
  good: number;
  refused: number;
  refusedWithoutRetryAfter: number;
  failed: number;
  latenciesMs: number[];
};

const tickMs = 5;

/**
 * Sends `perSecond` requests for `seconds` whether the earlier ones were answered or not (open loop), over at most
 * `connectionsMax` connections: beyond them a request counts as not sent, as a client's does whom the listen queue turns away.
 */
export async function openLoop(options: {
  host: string;
  port: number;
  perSecond: number;
  seconds: number;
  connectionsMax: number;
  next: () => Request;
}): Promise<Second[]> {
  const { host, port, perSecond, seconds, connectionsMax, next } = options;
  const idle: Connection[] = [];
  let open = 0;
  const bySecond: Second[] = Array.from({ length: seconds }, () => ({
    sent: 0,
    notSent: 0,
    good: 0,
    refused: 0,
    refusedWithoutRetryAfter: 0,
    failed: 0,
    latenciesMs: [],
  }));
  const startedAt = performance.now();
  const secondNow = (): Second | undefined => bySecond[Math.floor((performance.now() - startedAt) / 1_000)];

  const send = (second: Second): void => {
    const connection = idle.pop() ?? (open < connectionsMax ? new Connection(host, port) : undefined);
    if (!connection) {
      second.notSent++;
      return;
    }
    open = open + (connection.isNew ? 1 : 0);
    second.sent++;
    const request = next();
    const sentAt = performance.now();
    ask(connection, request).then(
      (answer) => {
        count(secondNow() ?? bySecond.at(-1), answer, performance.now() - sentAt);
        idle.push(connection);
      },
      () => {
        open--;
        const second = secondNow() ?? bySecond.at(-1);
        if (second) second.failed++;
      },
    );
  };

  let due = 0;
  let sent = 0;
  await new Promise<void>((over) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startedAt;
      const second = secondNow();
      if (!second) {
        clearInterval(timer);
        over();
        return;
      }
      due = (elapsedMs / 1_000) * perSecond;
      // What this process could not send in time is sent late, up to a tenth of a second's worth: then it is lost.
      if (due - sent > perSecond / 10) sent = due - perSecond / 10;
      for (; sent < due; sent++) send(second);
    }, tickMs);
  });
  for (const connection of idle) connection.close();
  return bySecond;
}

function count(second: Second | undefined, answer: Answer, latencyMs: number): void {
  if (!second) return;
  if (answer.status === 503) {
    second.refused++;
    if (answer.retryAfter === undefined) second.refusedWithoutRetryAfter++;
  } else if (answer.status < 300) {
    second.good++;
    second.latenciesMs.push(latencyMs);
  } else second.failed++;
}
