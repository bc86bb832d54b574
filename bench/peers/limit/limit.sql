-- Both flows, each as one call for a whole batch: lock, then look, then write everything with the answers. What no saga can be
-- faster than: one database, one transaction per batch, nothing remembered but the answers.

create type wish as (
  ord int, id uuid, fan uuid, performance_id text, seat_ids text[], key text, fingerprint text, trace_id text);

create type seat_wish as (ord int, id uuid, fan uuid, performance_id text, seat_ids text[], seats json, amount int, held int);

create function refusal(code text, data json default '{}') returns json language sql immutable as $$
  select json_build_object('code', code, 'data', data)
$$;

-- What a key was told before; null when it is new.
create function answer_of(of_fan uuid, of_route text, of_key text) returns json language sql stable as $$
  select json_build_object('fingerprint', a.fingerprint, 'traceId', a.trace_id, 'refusal', a.refusal, 'body', a.body)
  from answer a where a.fan = of_fan and a.route = of_route and a.key = of_key
$$;

-- All seats of a wish or none, in order of arrival. Only runs when wishes of one batch meet each other.
create function grant_in_order(wishes seat_wish[], seat_limit int)
returns table (granted seat_wish[], refusals jsonb)
language plpgsql immutable as $$
declare
  wish seat_wish;
  taken text[] := '{}';
  wanted text[];
  mine int;
begin
  granted := '{}';
  refusals := '{}';
  foreach wish in array wishes loop
    wanted := array(select wish.performance_id || '/' || s from unnest(wish.seat_ids) s);
    select wish.held + coalesce(sum(cardinality(g.seat_ids)), 0)::int into mine
      from unnest(granted) g where g.fan = wish.fan and g.performance_id = wish.performance_id;
    if mine + cardinality(wish.seat_ids) > seat_limit then
      refusals := refusals || jsonb_build_object(wish.ord,
        refusal('seat_limit_exceeded', json_build_object('limit', seat_limit, 'held', mine)));
    elsif wanted && taken then
      refusals := refusals || jsonb_build_object(wish.ord,
        refusal('seat_unavailable', json_build_object('seatIds', array(
          select s from unnest(wish.seat_ids) s where wish.performance_id || '/' || s = any (taken)))));
    else
      granted := granted || wish;
      taken := taken || wanted;
    end if;
  end loop;
  return next;
end $$;

-- Returns [{ord, known | refused | ok}].
create function reserve(batch json, hold_seconds int) returns json
language plpgsql volatile as $$
#variable_conflict use_column
declare
  seat_limit constant int := 6;
  at timestamptz;
  wishes wish[];
  grants seat_wish[];
  refusals jsonb;
  met jsonb;
  known json;
  answers json;
begin
  select array_agg(row(b.ord, b.id, b.fan, b."performanceId", b."seatIds", b.key, b.fingerprint, b."traceId")::wish order by b.ord)
    into wishes
    from json_to_recordset(batch) as b(
      ord int, id uuid, fan uuid, "performanceId" text, "seatIds" text[], key text, fingerprint text, "traceId" text);

  perform pg_advisory_xact_lock(k.key)
  from (select distinct hashtextextended(w.fan || w.performance_id, 0) as key from unnest(wishes) w order by 1) k;
  perform 1
  from (select distinct w.performance_id, s.id
        from unnest(wishes) w cross join lateral unnest(w.seat_ids) s(id) order by 1, 2) w
  join lateral (
    select 1 from seat t where t.performance_id = w.performance_id and t.id = w.id for update) t on true;
  at := clock_timestamp();

  with looked as (
    select w.*, u.is_there, p.known_performance, p.on_sale_at, p.sale_state, s.*, h.held, a.known
    from unnest(wishes) w
    left join lateral (select true as is_there from account u where u.id = w.fan and u.deleted_at is null limit 1) u on true
    left join lateral (
      select p.id as known_performance, c.on_sale_at, c.sale_state
      from performance p join concert c on c.id = p.concert_id
      where p.id = w.performance_id limit 1) p on true
    left join lateral (
      select coalesce(sum(cardinality(r.seat_ids)), 0)::int as held
      from reservation r
      where r.user_id = w.fan and r.performance_id = w.performance_id and r.status in ('reserved', 'paying', 'paid')) h on true
    left join lateral (
      select array_agg(x.id) filter (where t.id is null) as unknown,
             array_agg(t.id order by t.index) filter (where t.status <> 'available') as unavailable,
             json_agg(json_build_object('seatId', t.id, 'label', t.label, 'price', t.price) order by t.index) as seats,
             sum(t.price)::int as amount
      from unnest(w.seat_ids) as x(id)
      left join lateral (
        select t.* from seat t where t.performance_id = w.performance_id and t.id = x.id limit 1) t on true) s on true
    cross join lateral (select answer_of(w.fan, 'reserve', w.key) as known) a
  ), judged as (
    select l.*, case
        when l.is_there is null then refusal('user_not_found')
        when l.known_performance is null then refusal('performance_not_found')
        when l.unknown is not null then refusal('seat_not_found', json_build_object('seatIds', l.unknown))
        when l.sale_state <> 'open' then refusal('sale_closed')
        when l.on_sale_at > at then refusal('sale_not_open', json_build_object('opensAt', rfc3339(l.on_sale_at)))
        when l.held + cardinality(l.seat_ids) > seat_limit
          then refusal('seat_limit_exceeded', json_build_object('limit', seat_limit, 'held', l.held))
        when l.unavailable is not null then refusal('seat_unavailable', json_build_object('seatIds', l.unavailable))
      end as refused
    from looked l
  )
  select coalesce(array_agg(
           row(j.ord, j.id, j.fan, j.performance_id, j.seat_ids, j.seats, j.amount, j.held)::seat_wish order by j.ord)
           filter (where j.refused is null and j.known is null), '{}'),
         coalesce(jsonb_object_agg(j.ord, j.refused) filter (where j.refused is not null and j.known is null), '{}'),
         json_agg(json_build_object('ord', j.ord, 'known', j.known)) filter (where j.known is not null)
    into grants, refusals, known
    from judged j;

  if exists (select 1 from unnest(grants) w cross join lateral unnest(w.seat_ids) s(id)
             group by w.performance_id, s.id having count(*) > 1)
     or exists (select 1 from unnest(grants) w group by w.fan, w.performance_id having count(*) > 1) then
    select g.granted, g.refusals into grants, met from grant_in_order(grants, seat_limit) g;
    refusals := refusals || met;
  end if;

  with held as (
    insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at, created_at)
    select g.id, g.performance_id, g.fan, 'reserved', g.seat_ids, g.seats, g.amount,
           at + hold_seconds * interval '1 second', at
    from unnest(grants) g
  ), taken as (
    update seat t set status = 'reserved', reservation_id = g.id
    from (select g.id, g.performance_id, s.id as seat_id from unnest(grants) g cross join lateral unnest(g.seat_ids) s(id)) g
    where t.performance_id = g.performance_id and t.id = g.seat_id
  ), outcomes as materialized (
    select g.ord, null::json as refused, json_build_object(
      'reservationId', g.id, 'status', 'reserved', 'performanceId', g.performance_id, 'seats', g.seats, 'amount', g.amount,
      'expiresAt', rfc3339(at + hold_seconds * interval '1 second')) as body
    from unnest(grants) g
    union all
    select r.ord::int, r.refused::json, (r.refused -> 'data')::json from jsonb_each(refusals) r(ord, refused)
  ), told as (
    insert into answer (fan, route, key, fingerprint, trace_id, refusal, body)
    select w.fan, 'reserve', w.key, w.fingerprint, w.trace_id, o.refused ->> 'code', o.body
    from outcomes o join unnest(wishes) w on w.ord = o.ord
  )
  select json_agg(case when o.refused is null then json_build_object('ord', o.ord, 'ok', o.body)
                  else json_build_object('ord', o.ord, 'refused', o.refused) end)
    into answers from outcomes o;
  return json_build_array(coalesce(answers, '[]'), coalesce(known, '[]'));
end $$;

create type payment_order as (
  ord int, id uuid, fan uuid, reservation_id uuid, key text, fingerprint text, trace_id text, turn int);

-- Returns [{ord, known | refused | ok}].
create function pay(batch json) returns json
language plpgsql volatile as $$
#variable_conflict use_column
declare
  at timestamptz;
  orders payment_order[];
  turns int;
  part json;
  answers json[] := '{}';
begin
  select array_agg(row(b.ord, b.id, b.fan, b."reservationId", b.key, b.fingerprint, b."traceId", b.turn)::payment_order), max(b.turn)
    into orders, turns
    from (select b.*, row_number() over (partition by b.fan order by b.ord) as turn
          from json_to_recordset(batch) as b(
            ord int, id uuid, fan uuid, "reservationId" uuid, key text, fingerprint text, "traceId" text)) b;

  perform 1 from (select distinct o.reservation_id as id from unnest(orders) o order by 1) w
    join lateral (select 1 from reservation r where r.id = w.id for update) r on true;
  perform 1 from (select distinct o.fan as id from unnest(orders) o order by 1) w
    join lateral (select 1 from wallet t where t.user_id = w.id for update) t on true;
  at := clock_timestamp();

  -- Those of one fan one after the other; nearly always there is one turn.
  for this_turn in 1 .. turns loop
    with looked as (
      select o.*, u.is_there, r.status, r.expires_at, r.user_id, r.amount, r.performance_id, r.seats, r.seat_ids, r.version,
             coalesce(w.balance, 0) as balance, a.known
      from unnest(orders) o
      left join lateral (select true as is_there from account u where u.id = o.fan and u.deleted_at is null limit 1) u on true
      left join lateral (select r.* from reservation r where r.id = o.reservation_id limit 1) r on true
      left join lateral (select w.balance from wallet w where w.user_id = o.fan limit 1) w on true
      cross join lateral (select answer_of(o.fan, 'pay', o.key) as known) a
      where o.turn = this_turn
    ), judged as materialized (
      select l.*, case
          when l.is_there is null then refusal('user_not_found')
          when l.user_id is distinct from l.fan then refusal('reservation_not_found')
          when l.status = 'paid' then refusal('already_paid')
          when l.status = 'cancelled' then refusal('reservation_cancelled')
          when l.status <> 'reserved' or l.expires_at <= at then refusal('reservation_expired')
          when l.balance < l.amount
            then refusal('insufficient_points', json_build_object('balance', l.balance, 'amount', l.amount))
        end as refused
      from looked l
    ), granted as materialized (
      select * from judged where refused is null and known is null
    ), moved as (
      update wallet w set balance = w.balance - g.amount from granted g where w.user_id = g.fan
    ), entered as (
      insert into entry (id, user_id, type, amount, balance_after, position, reservation_id, at)
      select g.id, g.fan, 'payment', -g.amount, g.balance - g.amount, coalesce(last.position, 0) + 1, g.reservation_id, at
      from granted g
      left join lateral (
        select e.position from entry e where e.user_id = g.fan order by e.position desc limit 1) last on true
    ), paid as (
      insert into payment (id, reservation_id, user_id, amount, at)
      select g.id, g.reservation_id, g.fan, g.amount, at from granted g
    ), confirmed as (
      update reservation r set status = 'paid', version = r.version + 1 from granted g where r.id = g.reservation_id
    ), sold as (
      update seat t set status = 'paid'
      from (select g.performance_id, g.reservation_id, s.id from granted g cross join lateral unnest(g.seat_ids) s(id)) g
      where t.performance_id = g.performance_id and t.id = g.id and t.reservation_id = g.reservation_id
    ), delivered as (
      insert into delivery (id, reservation_id, version, body)
      select g.id, g.reservation_id, g.version + 1, json_build_object(
        'type', 'reservation.paid', 'reservationId', g.reservation_id, 'version', g.version + 1,
        'performanceId', g.performance_id, 'seats', g.seats, 'amount', g.amount, 'at', rfc3339(at))
      from granted g
    ), outcomes as materialized (
      select j.*, case
          when j.refused is not null then j.refused -> 'data'
          else json_build_object('paymentId', j.id, 'reservationId', j.reservation_id, 'status', 'paid', 'amount', j.amount,
                                 'balance', j.balance - j.amount)
        end as body
      from judged j
    ), told as (
      insert into answer (fan, route, key, fingerprint, trace_id, refusal, body)
      select o.fan, 'pay', o.key, o.fingerprint, o.trace_id, o.refused ->> 'code', o.body from outcomes o where o.known is null
    )
    select json_agg(case
        when o.known is not null then json_build_object('ord', o.ord, 'known', o.known)
        when o.refused is not null then json_build_object('ord', o.ord, 'refused', o.refused)
        else json_build_object('ord', o.ord, 'ok', o.body) end)
      into part from outcomes o;
    answers := answers || part;
  end loop;
  return to_json(answers);
end $$;
