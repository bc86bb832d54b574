import type { Seat } from './commands.ts';

/** What the gateway asks the services. Queries may fail fast; commands travel on the bus. */
export type Page<T, C> = { items: T[]; next: C | null };

export type Translation = { title: string; artist: string; venue: string };

export type Concert = {
  concertId: string;
  title: string;
  artist: string;
  venue: string;
  onSaleAt: string;
  saleState: 'scheduled' | 'open' | 'paused' | 'closed';
  priceRange: { min: number; max: number };
  waitingRoom: boolean;
  translations: { ko: Translation; en: Translation };
  version: number;
};

export type Performance = {
  performanceId: string;
  startsAt: string;
  seatsTotal: number;
  seatsAvailable: number;
};

/** One by itself says which concert it is of. */
export type OnePerformance = Performance & { concertId: string };

export type SeatStatus = 'available' | 'reserved' | 'paid';
export type SeatList = {
  version: number;
  sequence: number;
  seats: { seatId: string; label: string; status: SeatStatus; price: number }[];
};

/** Of one performance, as somebody knows it; a version and a sequence that were never told are -1. */
export type KnownAvailability = { performanceId: string; version: number; sequence: number };
/** The state of every seat (see availability.ts); null where nothing has changed since what was known. */
export type Availability = KnownAvailability & { seats: Uint8Array | null };

export type Reservation = {
  reservationId: string;
  status: 'reserved' | 'paying' | 'paid' | 'cancelled' | 'expired';
  performanceId: string;
  seats: Seat[];
  amount: number;
  expiresAt: string;
};

/** What a ticket is made of; it was paid at no time unless it is paid now. */
export type TicketFacts = Reservation & { paidAt: string | null };

export type ConcertEdit = {
  title?: string;
  artist?: string;
  onSaleAt?: string;
  saleState?: 'open' | 'paused' | 'closed';
};

export type ConcertQueries = {
  concerts(limit: number, after: string | null): Promise<Page<Concert, string>>;
  concert(concertId: string): Promise<Concert | null>;
  /** Changes what is given if the version is still `version`; a later one is a conflict. */
  editConcert(
    concertId: string,
    version: number,
    edit: ConcertEdit,
  ): Promise<Concert | 'not_found' | 'conflict'>;
  /** Those to come. */
  performances(
    concertId: string,
    limit: number,
    after: string | null,
  ): Promise<Page<Performance, string> | null>;
  /** Any, also one that is over: whoever was there still has a ticket. */
  performance(performanceId: string): Promise<OnePerformance | null>;
  /** The stored JSON document and its version. */
  seatMap(performanceId: string): Promise<{ version: number; body: string } | null>;
  seats(performanceId: string, onlyAvailable: boolean): Promise<SeatList | null>;
  /** Of those performances that there are: what has changed since what is known of them. */
  availability(known: readonly KnownAvailability[]): Promise<Availability[]>;
  reservations(userId: string, limit: number, before: string | null): Promise<Page<Reservation, string>>;
  reservation(userId: string, reservationId: string): Promise<Reservation | null>;
  ticket(userId: string, reservationId: string): Promise<TicketFacts | null>;
  /** The ids of reservations that were paid and then cancelled; null when there is no such performance. */
  cancelledTickets(
    performanceId: string,
    limit: number,
    after: string | null,
  ): Promise<Page<string, string> | null>;
  /** Whether the fan holds, pays or has paid seats of a performance still to come. */
  hasReservations(userId: string): Promise<boolean>;
};

export type PointEntry = {
  entryId: string;
  type: 'charge' | 'payment' | 'return';
  amount: number;
  balanceAfter: number;
  at: string;
  reservationId?: string;
};

export type PaymentQueries = {
  balance(userId: string): Promise<{ balance: number }>;
  entries(userId: string, limit: number, before: number | null): Promise<Page<PointEntry, number>>;
};

export type OperationStep = {
  name: string;
  service: string;
  status: 'pending' | 'running' | 'ok' | 'refused' | 'undone';
  attempts: number;
  startedAt: string | null;
  endedAt: string | null;
};

export type Operation = {
  id: string;
  saga: string;
  status: 'running' | 'compensating' | 'succeeded' | 'failed';
  code: string | null;
  steps: readonly OperationStep[];
};

export type OperationQueries = {
  /** The fan's own. */
  operation(operationId: string, userId: string): Promise<Operation | null>;
  /** Whether the fan asked for something under this key before; `route` is the key's scope: method and route template. */
  isKnown(userId: string, route: string, key: string): Promise<boolean>;
  stuck(limit: number): Promise<Operation[]>;
};

/** What the promoter's system has not taken yet. */
export type Delivery = {
  deliveryId: string;
  reservationId: string;
  type: string;
  createdAt: string;
  attempts: number;
  lastError: string | null;
  nextAttemptAt: string;
  /** When it was given up; an operator replays it. */
  setAsideAt: string | null;
};

export type PartnerQueries = {
  /** Oldest first. */
  undelivered(limit: number): Promise<Delivery[]>;
  /** Makes one due at once, set aside or not; false when there is none that is undelivered. */
  replay(deliveryId: string): Promise<boolean>;
};

export type Role = 'fan' | 'promoter' | 'operator';
export type Account = { userId: string; name: string; email: string; role: Role };
/** What an access token says; `sessionId` is what signing out ends. */
export type Caller = { userId: string; sessionId: string; role: Role };
export type Session = { accessToken: string; expiresAt: string; userId: string };

export type UserQueries = {
  signUp(account: {
    name: string;
    email: string;
    password: string;
  }): Promise<{ userId: string; name: string; email: string } | 'email_taken' | 'overloaded'>;
  signIn(email: string, password: string): Promise<Session | 'invalid_credentials' | 'overloaded'>;
  signOut(caller: Caller): Promise<void>;
  account(userId: string): Promise<Account | null>;
  /** Erases what is personal and ends every session; the id stays. */
  deleteAccount(userId: string, password: string): Promise<'deleted' | 'invalid_credentials' | 'overloaded'>;
  /** Sessions signed out before their end, and accounts deleted: what a valid signature alone cannot tell. */
  endedSessions(): Promise<string[]>;
};
