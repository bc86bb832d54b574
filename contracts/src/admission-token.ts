/** Proof of a place in a line. It has no end and is the same whenever it is issued again: the list of joins names it by its hash. */
export type QueueClaims = {
  concertId: string;
  userId: string;
  /** From 0, in the order of joining. */
  arrival: number;
  /** Known to the fan alone, so that nobody finds a fan in the public list. */
  ticket: string;
};

/** Proof that it is this fan's turn. A newer generation voids the older ones. */
export type AdmissionClaims = { concertId: string; userId: string; number: number; generation: number };

/** The waiting room signs and checks it. */
export const queueToken = { type: 'queue+jwt', audience: 'tutti/line' } as const;

/** The waiting room signs it, the gateway checks it without asking anybody. */
export const admissionToken = { type: 'admission+jwt', audience: 'tutti/reservations' } as const;

const isWhole = (value: unknown, from: number): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= from;

const names = (payload: object): payload is { concertId: string; userId: string } =>
  'concertId' in payload &&
  typeof payload.concertId === 'string' &&
  'userId' in payload &&
  typeof payload.userId === 'string';

export const isQueueClaims = (payload: object): payload is QueueClaims =>
  names(payload) &&
  'arrival' in payload &&
  isWhole(payload.arrival, 0) &&
  'ticket' in payload &&
  typeof payload.ticket === 'string';

export const isAdmissionClaims = (payload: object): payload is AdmissionClaims =>
  names(payload) &&
  'number' in payload &&
  isWhole(payload.number, 1) &&
  'generation' in payload &&
  isWhole(payload.generation, 1);
