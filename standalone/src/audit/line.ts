import { placesOf } from '@tutti/contracts/line';
import type { Queryable } from '@tutti/kit/postgres';
import { Findings, rowsThat, type Invariant, type Violation } from './invariant.ts';

const lineIsFollowed: Invariant = {
  number: 11,
  kind: 'A',
  title:
    'nobody is inside beyond the cap or before their turn; a fan has one place; nothing is reserved without an admission',
  needs: [],
  check: async ({ snapshots: { concert, waiting_room } }) => [
    ...(await places(waiting_room)),
    ...(await slots(waiting_room)),
    ...(await turns(waiting_room)),
    ...(await reservations(concert)),
    ...(await recorded(concert, waiting_room)),
  ],
};

const places = (room: Queryable): Promise<Violation[]> =>
  rowsThat(
    room,
    'A line has gaps, or more places than fans joined',
    `select s.concert_id || ' counts ' || s.joined || ', has ' || p.count || ' of ' || p.fans || ' fans up to ' || p.last
     from sale s
     cross join lateral (
       select count(*) as count, count(distinct fan) as fans, coalesce(max(arrival) + 1, 0) as last
       from place where sale = s.id) p
     where (s.joined, s.joined, s.joined) is distinct from (p.count::int, p.fans::int, p.last)`,
  );

async function slots(room: Queryable): Promise<Violation[]> {
  return [
    ...(await rowsThat(
      room,
      'More fans are inside than the sale lets in',
      // Slots above a cap that was lowered stay taken until their fans go out.
      `select s.concert_id || ': slot ' || t.slot || ' of ' || s.inside || ' is ' || t.fan || '’s'
       from slot t join sale s on s.id = t.sale
       where t.fan is not null and t.slot > s.inside and t.taken_at > s.inside_since`,
    )),
    ...(await rowsThat(
      room,
      'A fan is inside twice',
      `select s.concert_id || ': ' || t.fan || ' in ' || count(*) || ' slots'
       from slot t join sale s on s.id = t.sale where t.fan is not null
       group by s.concert_id, t.fan having count(*) > 1`,
    )),
    ...(await rowsThat(
      room,
      'A visit and its slot do not agree',
      `select coalesce(a.sale, t.sale) || ': ' || coalesce(a.fan, t.fan) ||
              case when t.fan is null then ' is admitted without a slot' else ' has a slot without an admission' end
       from (select * from admission where ended_at is null) a
       full join (select * from slot where fan is not null) t
         on t.sale = a.sale and t.fan = a.fan and t.generation = a.generation
       where t.fan is null or a.fan is null`,
    )),
  ];
}

type Visit = {
  concertId: string;
  fan: string;
  number: number;
  arrival: number | null;
  preQueueSize: number | null;
  seed: string | null;
};

async function turns(room: Queryable): Promise<Violation[]> {
  return [
    ...(await rowsThat(
      room,
      'A fan was let in out of turn',
      `select s.concert_id || ': ' || a.fan || ' with ' || a.number || ' at ' || a.serving || ' of ' || a.joined ||
              ', visit ' || a.visits
       from admission a join sale s on s.id = a.sale
       where a.number > a.serving or a.serving > s.serving or (a.visits > 1 and a.serving < a.joined)`,
    )),
    ...(await rowsThat(
      room,
      'A line is not where its calls brought it',
      `select s.concert_id || ' serves ' || s.serving || ', was called to ' || coalesce(c.called, 0)
       from sale s
       left join lateral (select sum(last - first + 1) as called from call where sale = s.id) c on true
       where s.serving <> coalesce(c.called, 0)`,
    )),
    ...(await numbers(room)),
  ];
}

/** The numbers of those who were let in, computed again from what was published. */
async function numbers(room: Queryable): Promise<Violation[]> {
  const visits = await room.query<Visit>(
    `select s.concert_id as "concertId", a.fan, a.number, p.arrival, s.pre_queue_size as "preQueueSize", s.seed
     from admission a
     join sale s on s.id = a.sale
     left join place p on p.sale = a.sale and p.fan = a.fan
     order by s.id`,
  );
  const findings = new Findings();
  for (const [, ofSale] of Map.groupBy(visits, ({ concertId }) => concertId)) {
    const [{ seed, preQueueSize } = { seed: null, preQueueSize: null }] = ofSale;
    const order = placesOf({ seed: seed ?? '', preQueueSize: preQueueSize ?? 0 });
    for (const { concertId, fan, number, arrival } of ofSale) {
      const isDrawn = arrival !== null && arrival < (preQueueSize ?? 0);
      const computed = isDrawn ? order.numberOf(arrival) : (arrival ?? NaN) + 1;
      if (computed !== number)
        findings.add(
          'A fan was let in by a number that is not theirs',
          `${concertId}: ${fan} with ${number}`,
        );
    }
  }
  return findings.violations;
}

const reservations = (concert: Queryable): Promise<Violation[]> =>
  rowsThat(
    concert,
    'Something was reserved without an admission',
    `select r.id || ' by ' || r.user_id || ' (' || coalesce('generation ' || r.generation, 'none') || ')'
     from concert c
     join performance p on p.concert_id = c.id
     join reservation r on r.performance_id = p.id
     left join admission a on a.concert_id = c.id and a.user_id = r.user_id
     where c.inside is not null and r.created_at > c.guarded_since
       and (r.generation is null or a.generation is null or r.generation > a.generation)`,
  );

const pageSize = 2_000;
type Recorded = { concertId: string; userId: string; generation: number };

/** What the seats were told of was given before: the waiting room has it, as new or newer. */
async function recorded(concert: Queryable, room: Queryable): Promise<Violation[]> {
  const told = await concert.query<Recorded>(
    `select concert_id as "concertId", user_id as "userId", generation from admission order by 1, 2`,
  );
  const findings = new Findings();
  for (let from = 0; from < told.length; from += pageSize) {
    const unknown = await room.query<Recorded>(
      `select w."concertId", w."userId", w.generation
       from json_to_recordset($1) as w("concertId" text, "userId" uuid, generation int)
       left join sale s on s.concert_id = w."concertId"
       left join admission a on a.sale = s.id and a.fan = w."userId"
       where coalesce(a.generation, 0) < w.generation`,
      [JSON.stringify(told.slice(from, from + pageSize))],
    );
    for (const { concertId, userId, generation } of unknown)
      findings.add(
        'An admission was recorded that nobody was given',
        `${concertId}: ${userId}, ${generation}`,
      );
  }
  return findings.violations;
}

export const lineInvariants = [lineIsFollowed];
