-- What the one owner of the lines writes. The lease saves work; the fence, checked here at the row, keeps an owner that slept
-- through the end of its lease from moving anything.
create function check_fence(owner_fence bigint) returns void language plpgsql volatile as $$
begin
  perform 1 from lease l where l.name = 'move-lines' and l.fence = owner_fence for share;
  if not found then raise exception 'the lease has another owner' using errcode = 'TU001'; end if;
end $$;

create type heard_sale as (
  "concertId" text, state text, "opensAt" timestamptz, inside int, pace double precision, capacity int, held int, paid int,
  "seatsLeft" json, secret text);

-- Sales that are not known yet. Whoever hears of one may write it down: its secret is that of the first.
create function add_sales(heard json) returns void language plpgsql volatile as $$
begin
  with added as (
    insert into sale (concert_id, state, opens_at, inside, pace, capacity, held, paid, seats_left, secret)
    select h."concertId", h.state, h."opensAt", h.inside, h.pace, h.capacity, h.held, h.paid, h."seatsLeft", h.secret
    from json_populate_recordset(null::heard_sale, heard) h
    order by h."concertId" collate "C"
    on conflict (concert_id) do nothing
    returning id, inside
  )
  insert into slot (sale, slot) select a.id, n from added a cross join lateral generate_series(1, a.inside) n;
end $$;

-- Paused, or its opening was put off after the order had been drawn.
create function is_standing(s sale, at timestamptz) returns boolean language sql immutable as $$
  select s.state = 'paused' or (s.state = 'open' and s.seed is not null and s.opens_at > at)
$$;

-- Those inside get back the time for which the sale stood.
create function go_on(of_sale int, stood interval) returns void language plpgsql volatile as $$
begin
  perform lock_places((
    select jsonb_agg(jsonb_build_object('sale', t.sale, 'fan', t.fan)) from slot t
    where t.sale = of_sale and t.fan is not null));
  update slot t set ends_at = t.ends_at + stood where t.sale = of_sale and t.fan is not null;
end $$;

-- The sales as the catalogue and the seats have them now. One that is not heard of any more is closed.
create function update_sales(owner_fence bigint, heard json) returns void language plpgsql volatile as $$
declare
  at timestamptz;
begin
  perform check_fence(owner_fence);
  perform 1 from sale s order by s.id for no key update;
  update sale s
  set state = h.state, opens_at = h."opensAt", inside = h.inside, pace = h.pace,
      inside_since = case when s.inside = h.inside then s.inside_since else clock_timestamp() end, capacity = h.capacity, held = h.held,
      paid = h.paid, seats_left = h."seatsLeft", updated_at = clock_timestamp()
  from json_populate_recordset(null::heard_sale, heard) h
  where s.concert_id = h."concertId"
    and (s.state, s.opens_at, s.inside, s.pace, s.capacity, s.held, s.paid, s.seats_left::text) is distinct from
        (h.state, h."opensAt", h.inside, h.pace, h.capacity, h.held, h.paid, h."seatsLeft"::text);
  update sale s set state = 'closed', updated_at = clock_timestamp()
  where s.state <> 'closed' and not exists (
    select 1 from json_populate_recordset(null::heard_sale, heard) h where h."concertId" = s.concert_id);
  at := clock_timestamp();
  update sale s set stood_since = at where s.stood_since is null and is_standing(s, at);
  perform go_on(s.id, at - s.stood_since) from sale s where s.stood_since is not null and not is_standing(s, at) order by s.id;
  update sale s set stood_since = null where s.stood_since is not null and not is_standing(s, at);
  insert into slot (sale, slot)
  select s.id, n from sale s cross join lateral generate_series(1, s.inside) n
  where s.inside > (select count(*) from slot t where t.sale = s.id and t.slot <= s.inside)
  on conflict do nothing;
  -- One that is taken goes when it is free.
  delete from slot t using sale s where s.id = t.sale and t.slot > s.inside and t.fan is null;
end $$;

-- From this row on a join is first come, first served; whoever came before is in the list that the order is drawn of.
create function close_pre_queues(owner_fence bigint) returns void language plpgsql volatile as $$
begin
  perform check_fence(owner_fence);
  update sale s set pre_queue_size = s.joined, opened_at = clock_timestamp(), updated_at = clock_timestamp()
  where s.pre_queue_size is null and s.state = 'open' and s.opens_at <= clock_timestamp();
end $$;

-- A page of the list that the order is drawn of, as everybody can read it afterwards.
create function note_joins(owner_fence bigint, of_sale int, first_arrival int, page text) returns void
language plpgsql volatile as $$
begin
  perform check_fence(owner_fence);
  -- What an owner before this one had begun is written once more.
  delete from join_page p where p.sale = of_sale and p.first >= first_arrival;
  insert into join_page (sale, first, joins) values (of_sale, first_arrival, page);
end $$;

create function publish_order(owner_fence bigint, of_sale int, root text, order_seed text) returns void
language plpgsql volatile as $$
begin
  perform check_fence(owner_fence);
  update sale s set join_root = root, seed = order_seed, updated_at = clock_timestamp()
  where s.id = of_sale and s.pre_queue_size is not null and s.seed is null;
end $$;

-- Moves a line on, if it still is where the figures were read. False: somebody did so meanwhile, or the sale stands.
create function move_line(owner_fence bigint, of_sale int, from_number int, to_number int) returns boolean
language plpgsql volatile as $$
declare
  is_moved boolean;
begin
  perform check_fence(owner_fence);
  with moved as (
    update sale s set serving = to_number, updated_at = clock_timestamp()
    where s.id = of_sale and s.serving = from_number and s.seed is not null and s.state = 'open'
      and to_number between from_number + 1 and s.joined
      -- Counted again under the lock of the row: nobody is called to a hall that has no seat left.
      and s.held + s.paid < s.capacity
    returning s.id
  ), noted as (
    insert into call (sale, first, last) select m.id, from_number + 1, to_number from moved m
  )
  select count(*) = 1 into is_moved from moved;
  return is_moved;
end $$;

create function note_pace(
  owner_fence bigint, of_sale int, numbers_a_second double precision, later_from int, later_a_second double precision
) returns void
language plpgsql volatile as $$
begin
  perform check_fence(owner_fence);
  update sale s set pace_now = numbers_a_second, pace_later_from = later_from, pace_later = later_a_second,
                    updated_at = clock_timestamp()
  where s.id = of_sale
    and (s.pace_now, s.pace_later_from, s.pace_later) is distinct from (numbers_a_second, later_from, later_a_second);
end $$;
