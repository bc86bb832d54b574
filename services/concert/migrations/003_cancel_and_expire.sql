-- Ways a reservation ends without having been paid for good: its fan cancels it, or its hold runs out. A reservation that is
-- being paid is touched by neither.

create index reservation_due on reservation (expires_at) where status = 'reserved';

-- reserved or paid → cancelled, seats free. Cancelling a cancelled one is ok: the fan has what they asked for.
create function cancel(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  at constant timestamptz := clock_timestamp();
  answers json;
begin
  with looked as materialized (
    select c.ord, r.*, r.user_id = (c.body ->> 'userId')::uuid as is_owner, p.starts_at,
           row_number() over (partition by r.id order by c.ord) as nth
    from unnest(commands) c
    left join lateral (
      select r.* from reservation r where r.id = (c.body ->> 'reservationId')::uuid limit 1) r on true
    left join lateral (select p.starts_at from performance p where p.id = r.performance_id limit 1) p on true
  ), judged as materialized (
    select l.*, l.status <> 'cancelled' and l.nth = 1 as is_first, case
        when l.is_owner is not true then refusal('reservation_not_found')
        when l.status = 'paying' then refusal('payment_in_progress')
        when l.status = 'expired' or (l.status = 'reserved' and l.expires_at <= at) then refusal('reservation_expired')
        when l.status = 'paid' and l.starts_at <= at then refusal('cancellation_closed')
      end as refused
    from looked l
  ), ended as (
    update reservation r set status = 'cancelled', version = r.version + 1
    from judged j where r.id = j.id and j.refused is null and j.is_first
    returning r.id, r.performance_id, r.seat_ids
  ), freed as (
    update seat t set status = 'available', reservation_id = null
    from (select e.id as reservation_id, e.performance_id, s.id from ended e cross join lateral unnest(e.seat_ids) s(id)) w
    where t.performance_id = w.performance_id and t.id = w.id and t.reservation_id = w.reservation_id
  )
  select json_agg(json_build_object('ord', j.ord, 'outcome', coalesce(j.refused, json_build_object('ok', json_build_object(
           'reservationId', j.id, 'performanceId', j.performance_id, 'seats', j.seats, 'amount', j.amount,
           'expiresAt', rfc3339(j.expires_at), 'at', rfc3339(at),
           -- Cancelling is the last change: whoever asks again is told the version it made.
           'version', case when j.status = 'cancelled' then j.version else j.version + 1 end)))))
    into answers
    from judged j;
  return query select a.ord, a.outcome from json_to_recordset(answers) as a(ord int, outcome json);
end $$;

create or replace function decide(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
declare
  of_type command[];
begin
  -- Commands of one batch are of different sagas and none has been answered: by type is as good an order as any.
  of_type := array(select c from unnest(commands) c where c.type = 'concert.mark-reserved' order by c.ord);
  if of_type <> '{}' then return query select * from mark_reserved(of_type); end if;
  of_type := array(select c from unnest(commands) c where c.type = 'concert.confirm-paid' order by c.ord);
  if of_type <> '{}' then return query select * from confirm_paid(of_type); end if;
  of_type := array(select c from unnest(commands) c where c.type = 'concert.mark-paid' order by c.ord);
  if of_type <> '{}' then return query select * from mark_paid(of_type); end if;
  of_type := array(select c from unnest(commands) c where c.type = 'concert.cancel' order by c.ord);
  if of_type <> '{}' then return query select * from cancel(of_type); end if;
  of_type := array(select c from unnest(commands) c where c.type = 'concert.reserve-seats' order by c.ord);
  if of_type <> '{}' then return query select * from reserve_seats(of_type); end if;
  -- Once for all types: counted by each on its own, two batches with two performances crosswise wait in a circle.
  perform count_change(array(
    select distinct r.performance_id from unnest(commands) c
    join lateral (
      select r.performance_id from reservation r
      where r.id = case c.type when 'concert.reserve-seats' then c.saga else (c.body ->> 'reservationId')::uuid end
      limit 1) r on true
    where c.type in ('concert.reserve-seats', 'concert.confirm-paid', 'concert.cancel')));
end $$;

create or replace function lock_rows(commands command[]) returns void
language plpgsql volatile as $$
begin
  -- The limit per fan counts rows that may not exist yet, so a name is locked instead of a row. Always first, in order.
  perform pg_advisory_xact_lock(k.key)
  from (select distinct hashtextextended((c.body ->> 'userId') || (c.body ->> 'performanceId'), 0) as key
        from unnest(commands) c
        where c.type = 'concert.reserve-seats' and c.direction = 'do'
        order by 1) k;

  -- Reservations before seats, each in key order: two batches never wait for each other in a circle.
  perform 1
  from (select distinct (c.body ->> 'reservationId')::uuid as id
        from unnest(commands) c where c.body ? 'reservationId'
        order by 1) w
  join lateral (select 1 from reservation r where r.id = w.id for update) r on true;

  perform 1
  from (select p.performance_id, p.seat_id
        from (select c.body ->> 'performanceId', s.seat_id
              from unnest(commands) c
              cross join lateral jsonb_array_elements_text(c.body -> 'seatIds') as s(seat_id)
              where c.type = 'concert.reserve-seats' and c.direction = 'do'
              union
              select r.performance_id, s.seat_id
              from unnest(commands) c
              join lateral (select * from reservation r where r.id = (c.body ->> 'reservationId')::uuid limit 1) r on true
              cross join lateral unnest(r.seat_ids) as s(seat_id)
              where c.type in ('concert.confirm-paid', 'concert.cancel')) as p(performance_id, seat_id)
        order by 1, 2) w
  join lateral (
    select 1 from seat t where t.performance_id = w.performance_id and t.id = w.seat_id for update) t on true;
end $$;

-- The one job that ends holds has one owner. The lease saves work; the fence, checked here at the row, keeps an owner that
-- slept through the end of its lease from writing.
create function expire_holds(owner_fence bigint, most int) returns int
language plpgsql volatile as $$
declare
  due uuid[];
  performance_ids text[];
begin
  perform 1 from lease l where l.name = 'expire-holds' and l.fence = owner_fence for share;
  if not found then raise exception 'the lease has another owner' using errcode = 'TU001'; end if;

  due := array(select r.id from reservation r
               where r.status = 'reserved' and r.expires_at <= clock_timestamp()
               order by r.expires_at limit most);
  if due = '{}' then return 0; end if;
  -- Lock, then look: a payment that came first has the row, and then it is not due any more.
  perform 1 from (select unnest(due) as id order by 1) w
    join lateral (select 1 from reservation r where r.id = w.id for update) r on true;
  due := array(select r.id from unnest(due) w(id)
               join lateral (select * from reservation r where r.id = w.id limit 1) r on true
               where r.status = 'reserved' and r.expires_at <= clock_timestamp());
  perform 1
  from (select r.performance_id, s.id
        from unnest(due) w(id)
        join lateral (select * from reservation r where r.id = w.id limit 1) r on true
        cross join lateral unnest(r.seat_ids) s(id)
        order by 1, 2) w
  join lateral (select 1 from seat t where t.performance_id = w.performance_id and t.id = w.id for update) t on true;

  with ended as (
    update reservation r set status = 'expired', version = r.version + 1
    where r.id = any (due)
    returning r.id, r.performance_id, r.seat_ids
  ), freed as (
    update seat t set status = 'available', reservation_id = null
    from (select e.id as reservation_id, e.performance_id, s.id from ended e cross join lateral unnest(e.seat_ids) s(id)) w
    where t.performance_id = w.performance_id and t.id = w.id and t.reservation_id = w.reservation_id
  )
  select array_agg(distinct e.performance_id) into performance_ids from ended e;
  if performance_ids is not null then perform count_change(performance_ids); end if;
  return cardinality(due);
end $$;
