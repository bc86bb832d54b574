import { accessToken, isCaller } from '@tutti/contracts';
import { signedTokens, uuidv7 } from '@tutti/kit/service';
import { randomBytes } from 'node:crypto';
import type { Request } from './closed-loop.ts';

export type Fan = { readonly id: string; readonly points: number; readonly headers: string };

/** The same people in every round and before every system: making 100,000 tokens is not what is measured. */
export type Crowd = { readonly accessTokenKey: string; readonly fans: readonly Fan[] };

export const seatPrice = 1_000;
/** Nobody's points run out by buying: what is refused is refused to those who never had any. */
const pointsOfMost = 10_000;
const tokenSeconds = 24 * 3_600;

/** One in a hundred has no points, and each of their payments is refused and undone. */
export const hasPoints = (index: number): boolean => index % 100 !== 99;

export function gatherCrowd(count: number): Crowd {
  const key = randomBytes(32);
  const tokens = signedTokens({
    key,
    type: accessToken.type,
    audience: accessToken.audience,
    isClaims: isCaller,
  });
  const fans = Array.from({ length: count }, (_, index) => {
    const id = uuidv7();
    const token = tokens.sign({ userId: id, sessionId: uuidv7(), role: 'fan' }, tokenSeconds);
    return { id, points: hasPoints(index) ? pointsOfMost : 0, headers: `authorization: Bearer ${token}\r\n` };
  });
  return { accessTokenKey: key.toString('base64url'), fans };
}

export const seatId = (seat: number): string => `S-${seat + 1}`;

const reservationsPath = '/api/v1/reservations';

/** A fan, by index, and a seat, by number. */
export type Place = { readonly performance: string; readonly fan: number; readonly seat: number };
export type FanRequest = Request & Place;

/** A fan asks for one seat once: the place is the key. */
export function reserveRequest({ fans }: Crowd, { performance, fan, seat }: Place): FanRequest {
  return {
    path: reservationsPath,
    headers: `${fans[fan]?.headers}idempotency-key: ${performance}-${seat}\r\n`,
    body: `{"performanceId":"${performance}","seatIds":["${seatId(seat)}"]}`,
    fan,
    seat,
    performance,
  };
}

export function payRequest(
  { fans }: Crowd,
  { fan, seat, performance }: FanRequest,
  reservationId: string,
): FanRequest {
  return {
    path: `${reservationsPath}/${reservationId}/payment`,
    headers: `${fans[fan]?.headers}idempotency-key: pay-${performance}-${seat}\r\n`,
    body: '',
    fan,
    seat,
    performance,
  };
}
