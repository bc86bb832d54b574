import * as z from 'zod';

/**
 * The bodies of the public HTTP API. The same schemas check requests and make the OpenAPI document; clients import their
 * types. Unknown fields are refused: a client that sends `price` is told so instead of being believed or ignored.
 */

// Control characters are refused at the gate: PostgreSQL cannot store NUL, and one such text would fail a whole batch. So are
// halves of surrogate pairs, which no encoding can carry.
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters');

/** Ids made by the system. */
export const id = z.uuid().meta({ id: 'Id', examples: ['0198f2c0-5b1e-7c3a-9d40-2f6a1e8b7c55'] });
/** Such an id as a client names it: in capitals it is the same id. */
export const namedId = z.uuid().toLowerCase();
/** Names that a promoter gave in the season file. */
export const slug = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be 1 to 64 letters, digits or hyphens')
  .meta({ examples: ['last-boat-home-1'] });
const points = z
  .int()
  .min(0)
  .meta({ id: 'Points', description: '1 point is 1 KRW', examples: [132_000] });
const count = z
  .int()
  .min(0)
  .meta({ examples: [1] });
const time = z.iso.datetime().meta({ examples: ['2027-05-01T10:00:00.000Z'] });

export const newAccount = z.strictObject({
  name: text(100),
  email: z.email().max(254),
  password: text(200).min(8, 'must have at least 8 characters'),
});
export const account = z.object({ userId: id, name: z.string(), email: z.string() }).meta({ id: 'Account' });
export const me = account.extend({ role: z.enum(['fan', 'promoter', 'operator']) }).meta({ id: 'Me' });

export const accountDeletion = z.strictObject({ password: text(200) });

export const newSession = z.strictObject({
  email: text(254),
  password: text(200),
  cookie: z.boolean().optional(),
});
export const session = z
  .object({ accessToken: z.string().optional(), expiresAt: time, userId: id })
  .meta({ id: 'Session' });

const translation = z.object({ title: z.string(), artist: z.string(), venue: z.string() });
export const concertView = z
  .object({
    concertId: slug,
    title: z.string(),
    artist: z.string(),
    venue: z.string(),
    onSaleAt: time,
    saleState: z.enum(['scheduled', 'open', 'paused', 'closed']),
    priceRange: z.object({ min: points, max: points }),
    waitingRoom: z.boolean(),
    translations: z.object({ ko: translation, en: translation }),
  })
  .meta({ id: 'Concert' });
export const concertEdit = z.strictObject({
  title: text(200).optional(),
  artist: text(200).optional(),
  // What PostgreSQL takes is narrower than RFC 3339: no year 0, no endless fractions of a second.
  onSaleAt: time
    .max(30)
    .refine((at) => at >= '1970', 'must not be before 1970')
    .optional(),
  saleState: z.enum(['open', 'paused', 'closed']).optional(),
});

export const performanceView = z
  .object({ performanceId: slug, startsAt: time, seatsTotal: count, seatsAvailable: count })
  .meta({ id: 'Performance' });

export const onePerformanceView = performanceView.extend({ concertId: slug }).meta({ id: 'OnePerformance' });

export const seatMap = z
  .object({
    version: count,
    sections: z.array(
      z.object({
        name: z.string(),
        grade: z.string(),
        price: points,
        seats: z.array(
          z.object({
            seatId: slug,
            label: z.string(),
            row: z.string(),
            number: count,
            x: z.number(),
            y: z.number(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'SeatMap' });

export const seatList = z
  .object({
    version: count,
    sequence: count,
    seats: z.array(
      z.object({
        seatId: slug,
        label: z.string(),
        status: z.enum(['available', 'reserved', 'paid']),
        price: points,
      }),
    ),
  })
  .meta({ id: 'SeatList' });

export const availability = z.string().meta({
  format: 'binary',
  description:
    'Two bits a seat in the order of the seat map, the first seat in the lowest: seat `i` is `(bytes[i >> 2] >> (2 * (i & 3))) & 3`. 0 available, 1 reserved, 2 paid, 3 not for sale.',
});
const wholeNumber = z.string().regex(/^\d{1,15}$/, 'must be a whole number');
/** Where a stream begins: what is known from `availability`. `Last-Event-ID` is newer than `sequence`. */
export const streamStart = z.object({
  sequence: wholeNumber.optional().describe('The `Sequence` that is known: what came after it is told first'),
  version: wholeNumber.optional().describe('The `Seat-Map-Version` that is known'),
});
/** What an event without a name says, and one named `reset`. */
export const seatChanges = z.object({
  version: count,
  changes: z.array(z.tuple([count, z.int().min(0).max(3)])),
});
export const seatReset = z.object({ version: count, sequence: count, seats: z.base64() });
export const availabilityEvents = z.string().meta({
  description: [
    'Server-sent events; the id is the sequence. `data: {"version":1,"changes":[[index,status]]}` says which seats became what.',
    '`event: reset` with `{"version":1,"sequence":7,"seats":"…"}` comes where the changes since what is known are not known: `seats` is all of them, the bytes of `availability` in base64. Another `version` is another map.',
    'Begin with `?version=` the `Seat-Map-Version` and `&sequence=` the `Sequence` of `availability`. A 503 says in `Retry-After` when to try again; poll `availability` meanwhile.',
  ].join('\n\n'),
});
const seconds = z.int().min(0);
const hex = z.string().regex(/^[0-9a-f]{64}$/);
export const place = z
  .object({
    queueToken: z.string(),
    status: z.enum(['pre_queue', 'waiting', 'admitted']),
    number: count.optional().describe('From 1; once the sale has opened'),
    arrival: count.optional().describe('From 0; in the pre-queue, where numbers are not drawn yet'),
    ahead: count,
    estimatedWaitSeconds: z.object({ low: seconds, high: seconds }),
  })
  .meta({ id: 'Place' });
export const queue = z
  .object({
    phase: z.enum(['pre_queue', 'open', 'paused', 'sold_out', 'closed']),
    opensAt: time,
    serving: count,
    issued: count,
    pacePerSecond: z.number().min(0).describe('Numbers a second that `serving` moves now'),
    later: z
      .object({ from: count, pacePerSecond: z.number().min(0) })
      .optional()
      .describe('While there is room inside: from that number on it goes at this pace'),
    pollAfterSeconds: count,
    seatsLeft: z.array(z.object({ grade: z.string(), price: points, left: count })),
    updatedAt: time,
    commitment: hex.describe('Published before the first fan joins: the hash of the secret'),
    preQueueSize: count.optional(),
    joinRoot: hex.optional(),
    secret: hex.optional(),
    seed: hex.optional(),
  })
  .meta({ id: 'Queue' });
export const newAdmission = z.strictObject({ queueToken: text(2_000) });
export const admission = z.object({ admissionToken: z.string(), expiresAt: time }).meta({ id: 'Admission' });

const sale = z.object({
  concertId: slug,
  state: z.enum(['scheduled', 'open', 'paused', 'closed']),
  opensAt: time,
  waitingRoom: z.object({ inside: count, pace: z.number() }).nullable(),
});
export const saleChange = z
  .strictObject({
    state: z.enum(['open', 'paused', 'closed']).optional(),
    pace: z.int().min(0).max(10_000).optional(),
    reason: text(500),
  })
  .refine(({ state, pace }) => state !== undefined || pace !== undefined, 'must change state or pace');
export const saleView = sale.meta({ id: 'Sale' });
export const saleWithActs = sale
  .extend({
    acts: z.array(
      z.object({
        at: time,
        userId: id,
        state: z.enum(['open', 'paused', 'closed']),
        pace: z.number().nullable(),
        reason: z.string(),
      }),
    ),
  })
  .meta({ id: 'SaleWithActs' });

const placement = z.object({ seatIds: z.array(slug) });
/** Seats side by side, as `best` and the `alternatives` of `seat_unavailable` offer them. */
export const placements = z
  .object({ version: count, sequence: count, items: z.array(placement) })
  .meta({ id: 'Placements' });
const seatsTogether = z.string().regex(/^[1-6]$/, 'must be 1 to 6');
export const placementWish = z.object({
  together: seatsTogether.default('1').describe('How many seats side by side'),
  grade: text(40).optional().describe('Of this grade only'),
  near: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}(,[A-Za-z0-9-]{1,64}){0,5}$/, 'must be 1 to 6 seats with commas between')
    .optional()
    .describe('Instead of the best: the nearest to these seats, of their grade and price'),
});

export const newReservation = z.strictObject({
  performanceId: slug,
  seatIds: z
    .array(slug)
    .min(1)
    .max(6)
    .refine((ids) => new Set(ids).size === ids.length, 'must not name a seat twice'),
});
const seat = z.object({ seatId: slug, label: z.string(), price: points }).meta({ id: 'Seat' });
export const reservation = z
  .object({
    reservationId: id,
    status: z.enum(['reserved', 'paying', 'paid', 'cancelled', 'expired']),
    performanceId: slug,
    seats: z.array(seat),
    amount: points,
    expiresAt: time,
  })
  .meta({ id: 'Reservation' });
export const paid = z
  .object({ paymentId: id, reservationId: id, status: z.literal('paid'), amount: points, balance: points })
  .meta({ id: 'Payment' });

export const cancelled = reservation.extend({ returned: points }).meta({ id: 'Cancellation' });

export const ticket = z
  .object({
    ticket: z
      .string()
      .describe('A compact JWS (EdDSA): what the QR code says. The same however often it is asked for'),
    reservationId: id,
    performanceId: slug,
    seats: z.array(z.object({ seatId: slug, label: z.string() })),
    issuedAt: time.describe('When it was paid'),
  })
  .meta({ id: 'Ticket' });
/** A JWK set (RFC 7517) of Ed25519 keys (RFC 8037). */
export const ticketKeys = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string().regex(/^[\w-]{43}$/),
        kid: z.string(),
        use: z.literal('sig'),
        alg: z.literal('EdDSA'),
      }),
    ),
  })
  .meta({ id: 'TicketKeys' });
/** An effect that goes on while nobody waits for it. */
export const accepted = z.object({ operationId: id, status: z.literal('running') }).meta({ id: 'Accepted' });

const step = z.object({
  name: z.string(),
  status: z.enum(['pending', 'running', 'ok', 'refused', 'undone']),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
});
export const operation = z
  .object({
    operationId: id,
    saga: z.string(),
    status: z.enum(['running', 'compensating', 'succeeded', 'failed']),
    code: z.string().optional(),
    steps: z.array(step),
  })
  .meta({ id: 'Operation' });
export const operationForOperators = operation
  .extend({
    steps: z.array(step.extend({ service: z.string(), attempts: count, lastError: z.string().nullable() })),
  })
  .meta({ id: 'StuckOperation' });

export const delivery = z
  .object({
    deliveryId: id,
    reservationId: id,
    type: z.string(),
    createdAt: time,
    attempts: count,
    lastError: z.string().nullable(),
    nextAttemptAt: time,
    setAsideAt: time.nullable(),
  })
  .meta({ id: 'Delivery' });

export const newCharge = z.strictObject({ amount: z.int().min(1).max(10_000_000) });
export const charge = z.object({ balance: points, entryId: id }).meta({ id: 'Charge' });
export const balance = z.object({ balance: points }).meta({ id: 'Balance' });
export const entry = z
  .object({
    entryId: id,
    type: z.enum(['charge', 'payment', 'return']),
    amount: z.int(),
    balanceAfter: points,
    at: time,
    reservationId: id.optional(),
  })
  .meta({ id: 'PointEntry' });

export const problemBody = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.string(),
    traceId: z.string(),
  })
  .meta({ id: 'Problem' });

/** For effects that are told everything by their path. */
export const noBody = z.strictObject({}).nullish();

export const alive = z.object({ status: z.literal('alive') });
export const readiness = z.object({
  status: z.enum(['ready', 'not ready']),
  failing: z.array(z.string()),
  parts: z.record(z.string(), z.boolean()),
});

export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().optional(),
});
