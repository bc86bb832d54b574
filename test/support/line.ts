import { until } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { field, request, text, type Fan, type Reply } from './client.ts';
import type { House } from './house.ts';

export type SaleTerms = {
  readonly seats?: number;
  readonly inside?: number;
  readonly pace?: number;
  /** Negative: it is open already. */
  readonly opensInSeconds?: number;
};

/** A concert with a waiting room and one performance; both have the id that this returns. */
export async function guardedSale(
  house: Pick<House, 'address' | 'performance' | 'databases'>,
  { seats = 20, inside = 2, pace = 1_000, opensInSeconds = -60 }: SaleTerms = {},
): Promise<string> {
  const id = await house.performance(seats);
  await house.databases.concert.query(
    `update concert set inside = $2, pace = $3, guarded_since = now(), on_sale_at = now() + $4 * interval '1 second'
     where id = $1`,
    [id, inside, pace, opensInSeconds],
  );
  if (opensInSeconds > 0)
    await until('the waiting room has heard of it', async () => (await queueOf(house, id)).status === 200);
  else await untilDrawn(house, id);
  return id;
}

/**
 * Waits until every process of the waiting room knows that the order is drawn: each reads the sales for itself, once a second.
 * They are asked in turn, and none has a list of joins before it knows.
 */
export const untilDrawn = (house: Pick<House, 'address'>, concertId: string): Promise<void> =>
  until(
    'every process knows that the order is drawn',
    async () => {
      for (let turn = 0; turn < 4; turn++) {
        const { status } = await request(house.address, 'GET', `${lineOf(concertId)}/queue/joins`);
        if (status !== 200) return false;
      }
      return true;
    },
    20_000,
  );

const lineOf = (concertId: string): string => `/api/v1/concerts/${concertId}`;

export const join = (fan: Fan, concertId: string): Promise<Reply> =>
  fan.post(`${lineOf(concertId)}/queue-tokens`);

/** A machine that is behind may refuse anything for a moment, and says so. */
const isToldToComeAgain = ({ status, body }: Reply): boolean =>
  status === 503 && text(body, 'code') === 'overloaded';

/** The place of a fan who may join. */
export async function placeOf(fan: Fan, concertId: string): Promise<{ queueToken: string; body: unknown }> {
  let reply = await join(fan, concertId);
  await until('the line has room for a question', async () => {
    if (isToldToComeAgain(reply)) reply = await join(fan, concertId);
    return !isToldToComeAgain(reply);
  });
  const { body, text: said, status } = reply;
  if (status !== 200 && status !== 201) throw new Error(`No place: ${status} ${said}`);
  return { queueToken: text(body, 'queueToken'), body };
}

export const queueOf = (house: Pick<House, 'address'>, concertId: string): Promise<Reply> =>
  request(house.address, 'GET', `${lineOf(concertId)}/queue`);

export const askIn = (fan: Fan, concertId: string, queueToken: string): Promise<Reply> =>
  fan.post(`${lineOf(concertId)}/admissions`, { queueToken });

export const leave = ({ address, accessToken }: Fan, concertId: string): Promise<Reply> =>
  request(address, 'DELETE', `${lineOf(concertId)}/admissions`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });

/** Joins, waits for the turn and goes in; returns the admission token. */
export async function goIn(fan: Fan, concertId: string, withinMs = 20_000): Promise<string> {
  const { queueToken } = await placeOf(fan, concertId);
  let reply: Reply | undefined;
  await until(
    'the fan is in',
    async () => {
      reply = await askIn(fan, concertId, queueToken);
      if (reply.status === 201) return true;
      if (!isToldToComeAgain(reply) && text(reply.body, 'code') !== 'not_your_turn')
        throw new Error(`Not let in: ${reply.text}`);
      return false;
    },
    withinMs,
  );
  return text(reply?.body, 'admissionToken');
}

export const reserveWith = (
  fan: Fan,
  performanceId: string,
  seatIds: readonly string[],
  admissionToken: string | undefined,
  key: string = randomUUID(),
): Promise<Reply> =>
  fan.post(
    '/api/v1/reservations',
    { performanceId, seatIds },
    key,
    admissionToken === undefined ? {} : { 'admission-token': admissionToken },
  );

export const codeOf = ({ status, body }: Reply): string => `${status} ${text(body, 'code')}`;

/** Waits until the public document says so. */
export const untilQueue = (
  house: Pick<House, 'address'>,
  concertId: string,
  what: string,
  is: (body: unknown) => boolean,
  withinMs = 20_000,
): Promise<void> =>
  until(
    what,
    async () => {
      const { status, body } = await queueOf(house, concertId);
      return status === 200 && is(body);
    },
    withinMs,
  );

export const numberIn = (body: unknown, name: string): number => Number(field(body, name));
