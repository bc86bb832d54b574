import type { Interval } from './line/index.ts';

// What the waiting room is asked by the gateway, and what it asks the concert service.

/** A fan's place. In the pre-queue it is known by arrival alone: numbers are drawn at the opening. */
export type Place = {
  queueToken: string;
  isNew: boolean;
  ahead: number;
  estimatedWaitSeconds: Interval;
} & ({ status: 'pre_queue'; arrival: number } | { status: 'waiting' | 'admitted'; number: number });

export type JoinRefusal = 'no_waiting_room' | 'sold_out' | 'sale_closed';

export type Admitted = { admissionToken: string; expiresAt: string };
export type NotYourTurn = { code: 'not_your_turn'; ahead: number; retryAfterSeconds: number };
export type AdmissionRefusal =
  | NotYourTurn
  | {
      code:
        | 'no_waiting_room'
        | 'queue_token_invalid'
        | 'sale_paused'
        | 'sale_closed'
        | 'sold_out'
        | 'overloaded';
    };

export type WaitingRoomQueries = {
  /** Joins, or finds the place that the fan has. */
  join(concertId: string, userId: string): Promise<Place | JoinRefusal>;
  /** The public document, as JSON; null where there is no waiting room. */
  queue(concertId: string): Promise<string | null>;
  /** The joins of the pre-queue from this arrival on, as the published list has them; null before the list is closed. */
  joins(concertId: string, from: number): Promise<string[] | null>;
  admit(concertId: string, userId: string, queueToken: string): Promise<Admitted | AdmissionRefusal>;
  /** Gives up being inside; what the fan holds stays theirs to pay. */
  leave(concertId: string, userId: string): Promise<'left' | 'no_waiting_room'>;
};

export type GradeStock = { grade: string; price: number; left: number };

/** A concert with a waiting room, as the catalogue and the seats have it. */
export type Sale = {
  concertId: string;
  state: 'open' | 'paused' | 'closed';
  opensAt: string;
  /** How many fans are inside at once, and how many are let in a second at most. */
  inside: number;
  pace: number;
  capacity: number;
  held: number;
  paid: number;
  seatsLeft: GradeStock[];
};

export type GuardedPerformance = { performanceId: string; concertId: string };

/** An admission that is about to be handed out. `since` is the first generation of this visit. */
export type AdmissionRecord = {
  concertId: string;
  userId: string;
  number: number;
  generation: number;
  since: number;
};

/** One that takes a place inside; `mayEnd`: its time is over or the fan left, so that it ends unless something is held. */
export type AdmissionQuestion = AdmissionRecord & { mayEnd: boolean };

/** `over`: paid, or ended; nothing can be reserved by it any more. */
export type AdmissionState = 'inside' | 'holding' | 'over';

/** What a promoter did to a sale. */
export type SaleAct = {
  at: string;
  userId: string;
  state: 'open' | 'paused' | 'closed';
  pace: number | null;
  reason: string;
};
export type SaleView = {
  concertId: string;
  state: 'scheduled' | 'open' | 'paused' | 'closed';
  opensAt: string;
  waitingRoom: { inside: number; pace: number } | null;
};
export type SaleChange = { state?: 'open' | 'paused' | 'closed'; pace?: number; reason: string };

/** What the waiting room asks the concert service. */
export type SaleQueries = {
  sales(): Promise<Sale[]>;
  /** Durable before any of them is handed out; false: that visit is over already. In the order asked. */
  recordAdmissions(records: readonly AdmissionRecord[]): Promise<boolean[]>;
  /** In the order asked. */
  settleAdmissions(questions: readonly AdmissionQuestion[]): Promise<AdmissionState[]>;
};

/** What the gateway asks it: which performances nobody reserves without an admission, and the promoter's controls. */
export type SaleControls = {
  guarded(): Promise<GuardedPerformance[]>;
  /** The acts newest first. */
  sale(concertId: string): Promise<{ sale: SaleView; acts: SaleAct[] } | null>;
  changeSale(
    concertId: string,
    userId: string,
    change: SaleChange,
  ): Promise<SaleView | 'not_found' | 'no_waiting_room'>;
};
