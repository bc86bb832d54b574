-- The commands of the concert service as set-based functions, called by the journal's `handle`: first `lock_rows`, then,
-- with a fresh snapshot, `decide`. Pessimistic, because seats and reservations must agree at the row: whoever comes second
-- waits a moment and then sees the truth.

create function lock_rows(commands command[]) returns void
language plpgsql volatile as $$
declare
  reserves boolean;
  has_reservations boolean;
  has_admissions boolean;
  touches_seats boolean;
begin
  -- Most batches need a part of what follows, and a statement that finds nothing is paid for all the same.
  select bool_or(c.type = 'concert.reserve-seats' and c.direction = 'do'), bool_or(c.body ? 'reservationId'),
         bool_or(c.body ? 'admission'),
         bool_or(c.type in ('concert.reserve-seats', 'concert.confirm-paid', 'concert.cancel'))
    into reserves, has_reservations, has_admissions, touches_seats
    from unnest(commands) c;

  -- The limit per fan counts rows that may not exist yet, so a name is locked instead of a row. Always first, in order.
  if reserves then
    perform pg_advisory_xact_lock(k.key)
    from (select distinct hashtextextended((c.body ->> 'userId') || (c.body ->> 'performanceId'), 0) as key
          from unnest(commands) c
          where c.type = 'concert.reserve-seats' and c.direction = 'do'
          order by 1) k;
  end if;

  -- Reservations before admissions before seats, each in key order: two batches never wait for each other in a circle.
  if has_reservations then
    perform 1
    from (select distinct (c.body ->> 'reservationId')::uuid as id
          from unnest(commands) c where c.body ? 'reservationId'
          order by 1) w
    join lateral (select 1 from reservation r where r.id = w.id for update) r on true;
  end if;

  -- Whoever ends an admission locks it and then looks for what it holds: so it is never ended beside a reservation by it.
  if has_admissions then
    perform lock_admissions(array(
      select row(c.body -> 'admission' ->> 'concertId', (c.body ->> 'userId')::uuid)::fan_of_concert
      from unnest(commands) c where c.body ? 'admission' and c.direction = 'do'));
  end if;

  if not touches_seats then return; end if;
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

create function decide(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
declare
  undos command[];
  confirmations command[];
  payments command[];
  cancellations command[];
  reservations command[];
begin
  -- Commands of one batch are of different sagas and none has been answered: by type is as good an order as any.
  select array_agg(c order by c.ord) filter (where c.type = 'concert.mark-reserved'),
         array_agg(c order by c.ord) filter (where c.type = 'concert.confirm-paid'),
         array_agg(c order by c.ord) filter (where c.type = 'concert.mark-paid'),
         array_agg(c order by c.ord) filter (where c.type = 'concert.cancel'),
         array_agg(c order by c.ord) filter (where c.type = 'concert.reserve-seats')
    into undos, confirmations, payments, cancellations, reservations
    from unnest(commands) c;
  if undos is not null then return query select * from mark_reserved(undos); end if;
  if confirmations is not null then return query select * from confirm_paid(confirmations); end if;
  if payments is not null then return query select * from mark_paid(payments); end if;
  if cancellations is not null then return query select * from cancel(cancellations); end if;
  if reservations is not null then return query select * from reserve_seats(reservations); end if;

  if coalesce(confirmations, cancellations, reservations) is null then return; end if;
  -- Once for all types: counted by each on its own, two batches with two performances crosswise wait in a circle.
  perform count_change(array(
    select distinct r.performance_id from unnest(commands) c
    join lateral (
      select r.performance_id from reservation r
      where r.id = case c.type when 'concert.reserve-seats' then c.saga else (c.body ->> 'reservationId')::uuid end
      limit 1) r on true
    where c.type in ('concert.reserve-seats', 'concert.confirm-paid', 'concert.cancel')));
end $$;

-- A command of reserve-seats that nothing in the tables refuses. What others of its batch took may still refuse it.
create type seat_wish as (
  ord int, saga uuid, user_id uuid, performance_id text, seat_ids text[], seats json, amount int, held int,
  generation int);

create function refusal(code text, data json default '{}') returns json language sql immutable as $$
  select json_build_object('refused', json_build_object('code', code, 'data', data))
$$;

create function reserve_seats(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  seat_limit constant int := 6;
  hold constant interval := current_setting('tutti.hold_seconds')::int * interval '1 second';
  -- After the locks: a batch that waited decides by the time at which it decides.
  at constant timestamptz := clock_timestamp();
  wishes seat_wish[];
  refusals json;
  granted seat_wish[];
  -- Codes by `ord`. Only where a concert has a waiting room does a command name an admission, and is anything looked up.
  admission_faults jsonb := '{}';
begin
  if exists (select 1 from unnest(commands) c where c.body ? 'admission') then
    admission_faults := faults_of_admissions(commands);
  end if;

  -- What the tables say of each command on its own.
  with asked as (
    select c.ord, c.saga, (c.body ->> 'userId')::uuid as user_id, c.body ->> 'performanceId' as performance_id,
           (c.body -> 'admission' ->> 'generation')::int as generation,
           array(select jsonb_array_elements_text(c.body -> 'seatIds')) as seat_ids
    from unnest(commands) c
  ), looked as (
    select a.*, p.id as known_performance, p.on_sale_at, p.sale_state, p.is_guarded, s.*, h.held
    from asked a
    left join lateral (
      select p.id, c.on_sale_at, c.sale_state, c.inside is not null as is_guarded
      from performance p join concert c on c.id = any (array[p.concert_id])
      where p.id = a.performance_id limit 1) p on true
    left join lateral (
      select coalesce(sum(cardinality(r.seat_ids)), 0)::int as held
      from reservation r
      where r.user_id = a.user_id and r.performance_id = a.performance_id
        and r.status in ('reserved', 'paying', 'paid')) h on true
    left join lateral (
      select array_agg(w.id) filter (where t.id is null) as unknown,
             array_agg(t.id order by t.index) filter (where t.status <> 'available') as unavailable,
             json_agg(json_build_object('seatId', t.id, 'label', t.label, 'price', t.price) order by t.index) as seats,
             sum(t.price)::int as amount
      from unnest(a.seat_ids) as w(id)
      left join lateral (
        select t.* from seat t where t.performance_id = a.performance_id and t.id = w.id limit 1) t on true) s on true
  ), judged as (
    select l.*, case
        when l.known_performance is null then refusal('performance_not_found')
        when l.is_guarded and l.generation is null then refusal('admission_required')
        when l.is_guarded and admission_faults ? l.ord::text then refusal(admission_faults ->> l.ord::text)
        when l.unknown is not null then refusal('seat_not_found', json_build_object('seatIds', l.unknown))
        when l.sale_state <> 'open' then refusal('sale_closed')
        when l.on_sale_at > at then refusal('sale_not_open', json_build_object('opensAt', rfc3339(l.on_sale_at)))
        when l.held + cardinality(l.seat_ids) > seat_limit
          then refusal('seat_limit_exceeded', json_build_object('limit', seat_limit, 'held', l.held))
        when l.unavailable is not null
          then refusal('seat_unavailable', json_build_object('seatIds', l.unavailable))
      end as refused
    from looked l
  )
  select array_agg(
           row(j.ord, j.saga, j.user_id, j.performance_id, j.seat_ids, j.seats, j.amount, j.held, j.generation)::seat_wish
           order by j.ord)
           filter (where j.refused is null),
         json_agg(json_build_object('ord', j.ord, 'outcome', j.refused)) filter (where j.refused is not null)
    into wishes, refusals
    from judged j;

  if refusals is not null then
    return query select r.ord, r.outcome from json_to_recordset(refusals) as r(ord int, outcome json);
  end if;
  if wishes is null then return; end if;

  -- Two wishes of one batch may want the same seat, or be one fan's: then the earlier one goes first.
  if exists (select 1 from unnest(wishes) w cross join lateral unnest(w.seat_ids) s(id)
             group by w.performance_id, s.id having count(*) > 1)
     or exists (select 1 from unnest(wishes) w group by w.user_id, w.performance_id having count(*) > 1) then
    select g.granted, g.refusals into granted, refusals from grant_in_order(wishes, seat_limit) g;
    return query select r.ord, r.outcome from json_to_recordset(refusals) as r(ord int, outcome json);
  else
    granted := wishes;
  end if;

  insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at, generation, created_at)
  select w.saga, w.performance_id, w.user_id, 'reserved', w.seat_ids, w.seats, w.amount, at + hold, w.generation, at
  from unnest(granted) w;

  update seat t set status = 'reserved', reservation_id = w.saga
  from (select w.saga, w.performance_id, s.id from unnest(granted) w cross join lateral unnest(w.seat_ids) s(id)) w
  where t.performance_id = any (array[w.performance_id]) and t.id = any (array[w.id]);

  return query
  select w.ord, json_build_object('ok', json_build_object(
    'reservationId', w.saga, 'performanceId', w.performance_id, 'seats', w.seats, 'amount', w.amount,
    'expiresAt', rfc3339(at + hold)))
  from unnest(granted) w;
end $$;

-- Grants wishes in order of arrival: all seats of one or none, and a refused one takes nothing from those behind it.
create function grant_in_order(wishes seat_wish[], seat_limit int)
returns table (granted seat_wish[], refusals json)
language plpgsql immutable as $$
declare
  wish seat_wish;
  taken text[] := '{}';
  wanted text[];
  mine int;
  refused jsonb := '[]';
begin
  granted := '{}';
  foreach wish in array wishes loop
    wanted := array(select wish.performance_id || '/' || s from unnest(wish.seat_ids) s);
    select wish.held + coalesce(sum(cardinality(g.seat_ids)), 0)::int into mine
      from unnest(granted) g where g.user_id = wish.user_id and g.performance_id = wish.performance_id;
    if mine + cardinality(wish.seat_ids) > seat_limit then
      refused := refused || jsonb_build_object('ord', wish.ord, 'outcome',
        refusal('seat_limit_exceeded', json_build_object('limit', seat_limit, 'held', mine)));
    elsif wanted && taken then
      refused := refused || jsonb_build_object('ord', wish.ord, 'outcome',
        refusal('seat_unavailable', json_build_object('seatIds', array(
          select s from unnest(wish.seat_ids) s where wish.performance_id || '/' || s = any (taken)))));
    else
      granted := granted || wish;
      taken := taken || wanted;
    end if;
  end loop;
  refusals := refused;
  return next;
end $$;

-- Last of all locks, in key order and held for the shortest time: a performance is one row for all its seats.
create function count_change(performance_ids text[]) returns void language plpgsql volatile as $$
begin
  perform 1 from (select unnest(performance_ids) as id order by 1) w
    join lateral (select 1 from performance p where p.id = w.id for no key update) p on true;
  update performance set sequence = sequence + 1 where id = any (performance_ids);
end $$;

-- reserved → paying, by this saga.
create function mark_paid(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  at constant timestamptz := clock_timestamp();
begin
  return query
  with looked as materialized (
    select c.ord, c.saga, r.*, r.user_id = (c.body ->> 'userId')::uuid as is_owner,
           -- Among its owner's: a stranger's command takes nothing from those behind it.
           row_number() over (partition by r.id, r.user_id = (c.body ->> 'userId')::uuid order by c.ord) as nth
    from unnest(commands) c
    left join lateral (
      select r.* from reservation r where r.id = (c.body ->> 'reservationId')::uuid limit 1) r on true
  ), judged as materialized (
    select l.*, case
        when l.is_owner is not true then refusal('reservation_not_found')
        when l.status = 'paid' then refusal('already_paid')
        when l.status = 'cancelled' then refusal('reservation_cancelled')
        when l.status = 'paying' then refusal('payment_in_progress')
        when l.status = 'expired' or l.expires_at <= at then refusal('reservation_expired')
        when l.nth > 1 then refusal('payment_in_progress')
      end as refused
    from looked l
  ), marked as (
    update reservation r set status = 'paying', paying_saga = j.saga, version = r.version + 1
    from judged j where r.id = any (array[j.id]) and j.refused is null
  )
  select j.ord, coalesce(j.refused, json_build_object('ok', json_build_object(
    'amount', j.amount, 'performanceId', j.performance_id, 'seats', j.seats, 'version', j.version + 1)))
  from judged j;
end $$;

-- paying → reserved, only what this saga marked; the hold is lengthened to 60 s, once per reservation.
create function mark_reserved(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  grace constant interval := interval '60 seconds';
  at constant timestamptz := clock_timestamp();
begin
  return query
  with marked as (
    update reservation r
    set status = 'reserved', paying_saga = null, version = r.version + 1,
        expires_at = case when r.extended then r.expires_at else greatest(r.expires_at, at + grace) end,
        extended = r.extended or r.expires_at < at + grace
    from unnest(commands) c
    where r.id = any (array[(c.body ->> 'reservationId')::uuid]) and r.status = 'paying' and r.paying_saga = c.saga
    returning c.ord, r.expires_at
  )
  select c.ord, json_build_object('ok', json_build_object('expiresAt', rfc3339(m.expires_at)))
  from unnest(commands) c left join marked m on m.ord = c.ord;
end $$;

-- paying → paid, after the points were taken; its seats with it.
create function confirm_paid(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  with confirmed as (
    update reservation r set status = 'paid', paying_saga = null, paid_at = now(), version = r.version + 1
    from unnest(commands) c
    where r.id = any (array[(c.body ->> 'reservationId')::uuid]) and r.status = 'paying' and r.paying_saga = c.saga
    returning r.id, r.performance_id, r.seat_ids
  )
  update seat t set status = 'paid'
  from (select c.id as reservation_id, c.performance_id, s.id
        from confirmed c cross join lateral unnest(c.seat_ids) s(id)) w
  where t.performance_id = any (array[w.performance_id]) and t.id = any (array[w.id]) and t.reservation_id = w.reservation_id;
  return query select c.ord, '{"ok":{}}'::json from unnest(commands) c;
end $$;

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
           row_number() over (partition by r.id, r.user_id = (c.body ->> 'userId')::uuid order by c.ord) as nth
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
    from judged j where r.id = any (array[j.id]) and j.refused is null and j.is_first
    returning r.id, r.performance_id, r.seat_ids
  ), freed as (
    update seat t set status = 'available', reservation_id = null
    from (select e.id as reservation_id, e.performance_id, s.id from ended e cross join lateral unnest(e.seat_ids) s(id)) w
    where t.performance_id = any (array[w.performance_id]) and t.id = any (array[w.id]) and t.reservation_id = w.reservation_id
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
