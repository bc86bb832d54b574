import { rowsThat, type Invariant } from './invariant.ts';

const live = `('reserved', 'paying', 'paid')`;
const seatsMax = 6;
const lateSeconds = 5;
/** A payment that failed the second time gives a hold back as it was: for a moment it may look this late. */
const lateAfterPaymentSeconds = 60;

const noSeatTwice: Invariant = {
  number: 1,
  kind: 'A',
  title: 'no seat is in two live reservations; available, reserved and paid seats add up to all of them',
  needs: [],
  check: async ({ snapshots: { concert } }) => [
    ...(await rowsThat(
      concert,
      'A seat is in more than one live reservation',
      `select r.performance_id || '/' || s.id || ' in ' || string_agg(r.id::text, ' and ' order by r.id)
       from reservation r cross join unnest(r.seat_ids) s(id)
       where r.status in ${live} group by r.performance_id, s.id having count(*) > 1`,
    )),
    ...(await rowsThat(
      concert,
      'A live reservation has a seat that is not its own',
      `select r.id || ' (' || r.status || ') has ' || r.performance_id || '/' || s.id || ', which ' ||
              case when t.id is null then 'does not exist' else
                'is ' || t.status || coalesce(' for ' || t.reservation_id, '') end
       from reservation r cross join unnest(r.seat_ids) s(id)
       left join seat t on t.performance_id = r.performance_id and t.id = s.id
       where r.status in ${live} and t.reservation_id is distinct from r.id`,
    )),
    ...(await rowsThat(
      concert,
      'The seats of a performance do not add up',
      `select p.id || ' should have ' || p.seats_total || ' seats; ' || coalesce(t.available, 0) || ' are available, ' ||
              coalesce(t.reserved, 0) || ' reserved, ' || coalesce(t.paid, 0) || ' paid, ' || coalesce(t.rows, 0) || ' in all'
       from performance p
       left join (select performance_id, count(*) as rows, count(*) filter (where status = 'available') as available,
                         count(*) filter (where status = 'reserved') as reserved, count(*) filter (where status = 'paid') as paid
                  from seat group by performance_id) t on t.performance_id = p.id
       where p.seats_total <> coalesce(t.rows, 0) or p.seats_total <> coalesce(t.available + t.reserved + t.paid, 0)`,
    )),
  ],
};

const seatsAgree: Invariant = {
  number: 2,
  kind: 'A',
  title: 'a taken seat has exactly one live reservation of its status, priced as frozen, six per fan',
  needs: [],
  check: async ({ snapshots: { concert } }) => [
    ...(await rowsThat(
      concert,
      'The status of a seat is not that of its reservation',
      `select t.performance_id || '/' || t.id || ' is ' || t.status || ', its reservation ' ||
              coalesce(t.reservation_id || ' ' || coalesce('is ' || r.status, 'does not exist'), 'is not named')
       from seat t left join reservation r on r.id = t.reservation_id
       where t.status is distinct from case
           when r.status in ('reserved', 'paying') then 'reserved' when r.status = 'paid' then 'paid'
           when t.reservation_id is null then 'available' end`,
    )),
    ...(await rowsThat(
      concert,
      'A seat names a reservation that does not have it',
      `select t.performance_id || '/' || t.id || ' names ' || r.id
       from seat t join reservation r on r.id = t.reservation_id
       where r.performance_id <> t.performance_id or not t.id = any (r.seat_ids)`,
    )),
    ...(await rowsThat(
      concert,
      'The amount of a reservation is not the sum of what its seats were frozen at',
      `select r.id || ' (' || r.status || ') costs ' || r.amount || '; ' || cardinality(r.seat_ids) || ' seats were frozen as ' ||
              coalesce(array_to_string(f.ids, ', '), 'none') || ' at ' || f.amount
       from reservation r
       cross join lateral (
         select coalesce(sum((s ->> 'price')::bigint), 0) as amount,
                array_agg(s ->> 'seatId' order by s ->> 'seatId' collate "C") as ids
         from json_array_elements(r.seats) s) f
       where r.amount <> f.amount
          or f.ids is distinct from (select array_agg(s.id order by s.id collate "C") from unnest(r.seat_ids) s(id))`,
    )),
    ...(await rowsThat(
      concert,
      `A fan has more than ${seatsMax} seats of a performance`,
      `select r.user_id || ' has ' || sum(cardinality(r.seat_ids)) || ' of ' || r.performance_id
       from reservation r where r.status in ${live}
       group by r.user_id, r.performance_id having sum(cardinality(r.seat_ids)) > ${seatsMax}`,
    )),
  ],
};

const holdsEnd: Invariant = {
  number: 3,
  kind: 'T',
  title: `a hold ends within ${lateSeconds} s of its expiry, never before it`,
  needs: [],
  check: async ({ snapshots: { concert } }) => [
    ...(await rowsThat(
      concert,
      'A hold should have ended',
      // Nobody can end a hold while the database is down.
      `select r.id || ' ran out at ' || r.expires_at from reservation r
       where r.status = 'reserved'
         and greatest(r.expires_at, pg_postmaster_start_time())
             < now() - case when r.extended then ${lateAfterPaymentSeconds} else ${lateSeconds} end * interval '1 second'`,
    )),
    ...(await rowsThat(
      concert,
      'A hold ended early',
      `select r.id || ' has expired, but should last until ' || r.expires_at
       from reservation r where r.status = 'expired' and r.expires_at > now()`,
    )),
    ...(await rowsThat(
      concert,
      'A seat went to another before its hold ran out',
      `select h.id || ' held ' || h.performance_id || '/' || h.seat_id || ' until ' || h.expires_at || ', ' || h.next_id || ' took it at ' || h.next_at
       from (select r.id, r.performance_id, s.id as seat_id, r.status, r.expires_at,
                    lead(r.created_at) over w as next_at, lead(r.id) over w as next_id
             from reservation r cross join unnest(r.seat_ids) s(id)
             window w as (partition by r.performance_id, s.id order by r.created_at)) h
       where h.status = 'expired' and h.next_at < h.expires_at`,
    )),
  ],
};

export const seatInvariants = [noSeatTwice, seatsAgree, holdsEnd];
