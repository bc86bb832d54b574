-- Gives each fan a place in the order in which they asked, or finds the one they have: one call is one commit for all who came
-- meanwhile. The row of the sale is the lock: lock, then look.
create function join_line(asked jsonb) returns table (ord int, arrival int, is_new boolean)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  -- Who asked first, of each new place.
  fresh int[];
begin
  perform 1
  from (select distinct w.sale from jsonb_to_recordset(asked) as w(sale int) order by 1) w
  join lateral (select 1 from sale s where s.id = w.sale for no key update) s on true;

  with wanted as (
    select w.sale, w.fan, min(w.ord) as ord
    from jsonb_to_recordset(asked) as w(ord int, sale int, fan uuid) group by 1, 2
  ), missing as materialized (
    select w.sale, w.fan, w.ord
    from wanted w
    left join lateral (select p.arrival from place p where p.sale = w.sale and p.fan = w.fan limit 1) p on true
    where p.arrival is null
  ), put as (
    insert into place (sale, arrival, fan)
    select m.sale, s.joined - 1 + (row_number() over (partition by m.sale order by m.ord))::int, m.fan
    from missing m join sale s on s.id = any (array[m.sale])
  ), counted as (
    update sale s set joined = s.joined + m.count, updated_at = clock_timestamp()
    from (select sale, count(*)::int as count from missing group by 1) m
    where s.id = any (array[m.sale])
  )
  select coalesce(array_agg(m.ord), '{}') into fresh from missing m;

  return query
  select w.ord, p.arrival, w.ord = any (fresh)
  from jsonb_to_recordset(asked) as w(ord int, sale int, fan uuid)
  join lateral (select p.arrival from place p where p.sale = w.sale and p.fan = w.fan limit 1) p on true;
end $$;

-- One thing at a time for each fan, whatever device and process it comes by; in key order, as everybody locks.
create function lock_places(asked jsonb) returns void language plpgsql volatile as $$
begin
  perform 1
  from (select distinct w.sale, w.fan from jsonb_to_recordset(asked) as w(sale int, fan uuid) order by 1, 2) w
  join lateral (select 1 from place p where p.sale = w.sale and p.fan = w.fan for update) p on true;
end $$;

-- How many go in before a fan of this number who has been inside so often: until the turn comes the numbers between; on another
-- visit everybody who was not called yet; then who stands at the door before. Who has not asked there lately has gone.
create function ahead_of(s sale, of_visits int, of_number int, door_seconds int) returns int
language sql volatile as $$
  select case
    when of_number > s.serving then of_number - s.serving - 1
    when of_visits > 0 and s.serving < s.joined then s.joined - s.serving
    else (
      select count(*)::int from knock k
      where k.sale = s.id and (k.visits, k.number) < (of_visits, of_number)
        and k.at > clock_timestamp() - door_seconds * interval '1 second')
  end
$$;

-- Lets in whose turn it is while there is a free slot. `verdict`: in, wait, paused.
--   A fan who is inside gets a newer token for the rest of the same time.
--   A fan whose visit is over comes again after everybody who still waits for a first one.
--   At the door who has never been inside goes first, and among equals the smaller number: a fan who slept through the turn
--   waits for the next free slot, no longer.
create function admit(asked jsonb, admission_seconds int, door_seconds int)
returns table (ord int, verdict text, ahead int, generation int, since int, ends_at timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  w record;
  s sale;
  mine slot;
  past admission;
  visits int;
  free int;
  at timestamptz;
begin
  perform lock_places(asked);
  at := clock_timestamp();
  for w in select w.* from jsonb_to_recordset(asked) as w(ord int, sale int, fan uuid, number int)
           left join lateral (
             select a.visits from admission a where a.sale = w.sale and a.fan = w.fan limit 1) a on true
           order by w.sale, coalesce(a.visits, 0), w.number, w.ord loop
    s := (select s from sale s where s.id = w.sale);
    mine := (select t from slot t where t.sale = w.sale and t.fan = w.fan);
    past := (select a from admission a where a.sale = w.sale and a.fan = w.fan);
    visits := coalesce(past.visits, 0);
    ord := w.ord;
    verdict := 'wait';
    generation := null;
    since := null;
    ends_at := null;
    ahead := ahead_of(s, visits, w.number, door_seconds);
    if s.state <> 'open' then
      verdict := 'paused';
    elsif mine.slot is not null then
      if not mine.has_left and mine.ends_at > coalesce(s.stood_since, at) then
        verdict := 'in';
        generation := mine.generation + 1;
        since := mine.since;
        ends_at := mine.ends_at;
        update slot t set generation = mine.generation + 1 where t.sale = w.sale and t.slot = mine.slot;
        update admission a set generation = mine.generation + 1 where a.sale = w.sale and a.fan = w.fan;
      end if;
    elsif w.number <= s.serving and (visits = 0 or s.serving = s.joined) then
      free := null;
      if ahead = 0 or ahead < (select count(*) from slot t
                               where t.sale = w.sale and t.fan is null and t.slot <= s.inside) then
        select t.slot into free from slot t where t.sale = w.sale and t.fan is null and t.slot <= s.inside
        order by t.slot limit 1 for update skip locked;
      end if;
      if free is null then
        insert into knock (sale, fan, number, visits, at) values (w.sale, w.fan, w.number, visits, at)
        on conflict (sale, fan) do update set visits = excluded.visits, at = excluded.at;
      else
        verdict := 'in';
        generation := coalesce(past.generation, 0) + 1;
        since := coalesce(past.generation, 0) + 1;
        ends_at := at + admission_seconds * interval '1 second';
        update slot t
        set fan = w.fan, number = w.number, generation = coalesce(past.generation, 0) + 1,
            since = coalesce(past.generation, 0) + 1, taken_at = at,
            ends_at = at + admission_seconds * interval '1 second', has_left = false
        where t.sale = w.sale and t.slot = free;
        insert into admission as a (sale, fan, number, generation, since, visits, serving, joined, admitted_at)
        values (w.sale, w.fan, w.number, coalesce(past.generation, 0) + 1, coalesce(past.generation, 0) + 1, 1,
                s.serving, s.joined, at)
        on conflict (sale, fan) do update
        set generation = excluded.generation, since = excluded.since, visits = a.visits + 1, serving = excluded.serving,
            joined = excluded.joined, admitted_at = excluded.admitted_at, ended_at = null;
        delete from knock k where k.sale = w.sale and k.fan = w.fan;
      end if;
    end if;
    return next;
  end loop;
end $$;

-- Only what this fan holds by this generation, so that twice is once, however late.
create function free_slots(asked jsonb) returns int
language plpgsql volatile as $$
declare
  freed int;
begin
  perform lock_places(asked);
  with emptied as (
    update slot t
    set fan = null, number = null, generation = null, since = null, taken_at = null, ends_at = null, has_left = false
    from jsonb_to_recordset(asked) as w(sale int, fan uuid, generation int)
    where t.sale = any (array[w.sale]) and t.fan = any (array[w.fan]) and t.generation = w.generation
    returning w.sale, w.fan, w.generation
  ), ended as (
    update admission a set ended_at = clock_timestamp()
    from emptied e
    where a.sale = any (array[e.sale]) and a.fan = any (array[e.fan]) and a.generation = e.generation
  )
  select count(*) into freed from emptied;
  return freed;
end $$;
