import { get, send } from './client.ts';
import { serverNow } from './clock.ts';

/** The waiting room, as api.md has it. */
export type Place = {
  readonly queueToken: string;
  readonly status: 'pre_queue' | 'waiting' | 'admitted';
  /** From the opening on. */
  readonly number?: number;
  /** In the pre-queue. */
  readonly arrival?: number;
};

export type Queue = {
  readonly phase: 'pre_queue' | 'open' | 'paused' | 'sold_out' | 'closed';
  readonly opensAt: string;
  readonly serving: number;
  readonly issued: number;
  readonly pacePerSecond: number;
  /** While there is room inside: from that number on it goes at this pace. */
  readonly later?: { readonly from: number; readonly pacePerSecond: number };
  readonly pollAfterSeconds: number;
  readonly seatsLeft: readonly { readonly grade: string; readonly price: number; readonly left: number }[];
  readonly updatedAt: string;
  readonly seed?: string;
  readonly preQueueSize?: number;
};

export type Admission = { readonly admissionToken: string; readonly expiresAt: string };

export const readQueue = (concertId: string, signal?: AbortSignal): Promise<Queue> =>
  get<Queue>(`/concerts/${concertId}/queue`, signal);

const placeKey = (userId: string, concertId: string) => `tutti.place.${userId}.${concertId}`;
const admissionKey = (userId: string, concertId: string) => `tutti.admission.${userId}.${concertId}`;

/** The same fan has the same place, however often it is asked for; kept for when there is no connection. */
export async function takePlace(userId: string, concertId: string): Promise<Place> {
  const { body } = await send<Place>('POST', `/concerts/${concertId}/queue-tokens`);
  localStorage.setItem(placeKey(userId, concertId), JSON.stringify(body));
  return body;
}

export function keptPlace(userId: string, concertId: string): Place | undefined {
  const value = readJson(placeKey(userId, concertId));
  return isObject(value) && typeof value['queueToken'] === 'string'
    ? {
        queueToken: value['queueToken'],
        status: value['status'] === 'pre_queue' ? 'pre_queue' : 'waiting',
        ...(typeof value['number'] === 'number' && { number: value['number'] }),
        ...(typeof value['arrival'] === 'number' && { arrival: value['arrival'] }),
      }
    : undefined;
}

export const forgetPlace = (userId: string, concertId: string): void =>
  localStorage.removeItem(placeKey(userId, concertId));

/** It is this fan's turn: the proof, kept for this browser. Asking again makes the older one void. */
export async function enter(userId: string, concertId: string, queueToken: string): Promise<Admission> {
  const { body } = await send<Admission>('POST', `/concerts/${concertId}/admissions`, {
    body: { queueToken },
  });
  localStorage.setItem(admissionKey(userId, concertId), JSON.stringify(body));
  return body;
}

/** Also when its time is over: a wish that was made with it goes on with it. */
export function keptAdmission(userId: string, concertId: string): Admission | null {
  const value = readJson(admissionKey(userId, concertId));
  if (!isObject(value)) return null;
  const { admissionToken, expiresAt } = value;
  return typeof admissionToken === 'string' && typeof expiresAt === 'string'
    ? { admissionToken, expiresAt }
    : null;
}

/** Whether the fan may still choose, by the server's clock. */
export const holds = ({ expiresAt }: Admission): boolean => Date.parse(expiresAt) > serverNow();

export const forgetAdmission = (userId: string, concertId: string): void =>
  localStorage.removeItem(admissionKey(userId, concertId));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function readJson(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}
