-- Admissions as the waiting room recorded them before it handed them out: the newest of each fan, and whether it is over.
-- Whether one is used up is not written down: a paid reservation by it says so.
create table admission (
  concert_id text collate "C" not null,
  user_id uuid not null,
  number int not null,
  generation int not null,
  -- The first generation of this visit: a newer token of the same visit is no new visit.
  since int not null,
  is_ended boolean not null default false,
  primary key (concert_id, user_id)
) with (fillfactor = 70);

-- What promoters did to sales, and why.
create table sale_act (
  id bigint generated always as identity primary key,
  concert_id text collate "C" not null references concert,
  user_id uuid not null,
  state text not null,
  pace double precision,
  reason text not null,
  at timestamptz not null default now()
);
create index sale_act_of_concert on sale_act (concert_id, id desc);

create type fan_of_concert as (concert_id text, user_id uuid);

-- In key order, as everybody does.
create function lock_admissions(fans fan_of_concert[]) returns void language plpgsql volatile as $$
begin
  perform 1
  from (select distinct f.concert_id collate "C" as concert_id, f.user_id from unnest(fans) f order by 1, 2) w
  join lateral (
    select 1 from admission a where a.concert_id = w.concert_id and a.user_id = w.user_id for update) a on true;
end $$;

-- What a fan has of a concert by admissions of this visit: something paid, something held.
create function fruits_of_visit(of_concert text, of_user uuid, first int, last int)
returns table (is_paid boolean, is_holding boolean) language sql stable as $$
  select coalesce(bool_or(r.status = 'paid' and r.generation between first and last), false),
         coalesce(bool_or(r.status in ('reserved', 'paying')), false)
  from reservation r
  join performance p on p.id = any (array[r.performance_id])
  where r.user_id = of_user and p.concert_id = of_concert
$$;

-- Codes by `ord`, of the commands whose admission does not let them in.
create function faults_of_admissions(commands command[]) returns jsonb language sql volatile as $$
  select coalesce(jsonb_object_agg(j.ord::text, j.code) filter (where j.code is not null), '{}')
  from (
    select c.ord, case
        -- Of another concert, of another fan, or void by a newer one.
        when a.generation is null or p.concert_id is distinct from c.body -> 'admission' ->> 'concertId'
             or a.number <> (c.body -> 'admission' ->> 'number')::int
             or a.generation <> (c.body -> 'admission' ->> 'generation')::int then 'admission_invalid'
        when a.is_ended or f.is_paid then 'admission_expired'
      end as code
    from unnest(commands) c
    left join lateral (
      select p.concert_id from performance p where p.id = c.body ->> 'performanceId' limit 1) p on true
    left join lateral (
      select a.* from admission a
      where a.concert_id = c.body -> 'admission' ->> 'concertId' and a.user_id = (c.body ->> 'userId')::uuid
      limit 1) a on true
    left join lateral fruits_of_visit(a.concert_id, a.user_id, a.since, a.generation) f on a.generation is not null
    where c.body ? 'admission') j
$$;

-- The newest admissions of these fans, before they are handed out. Repeated or late it changes nothing. False: that visit
-- is over already, and a newer token must not prolong it.
create function record_admissions(asked jsonb) returns table (ord int, is_recorded boolean)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  insert into admission as a (concert_id, user_id, number, generation, since)
  select w."concertId", w."userId", w.number, w.generation, w.since
  from jsonb_to_recordset(asked) as w("concertId" text, "userId" uuid, number int, generation int, since int)
  order by w."concertId" collate "C", w."userId"
  on conflict (concert_id, user_id) do update
  set number = excluded.number, generation = excluded.generation, since = excluded.since, is_ended = false
  where excluded.generation > a.generation and not (a.is_ended and excluded.since <= a.since);

  return query
  select w.ord, a.generation = w.generation and not a.is_ended and not f.is_paid
  from jsonb_to_recordset(asked) as w(ord int, "concertId" text, "userId" uuid, generation int)
  join lateral (
    select a.* from admission a where a.concert_id = w."concertId" and a.user_id = w."userId" limit 1) a on true
  cross join lateral fruits_of_visit(a.concert_id, a.user_id, a.since, a.generation) f;
end $$;

-- Where each of these admissions stands. One that may end, or whose visit has paid, ends here unless something is held by it:
-- the row decides, so that its place is never given away beside a reservation that is being made.
create function settle_admissions(asked jsonb) returns table (ord int, state text)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  ending jsonb;
begin
  -- Most are simply inside: they are looked at without a lock.
  select jsonb_agg(jsonb_build_object('concertId', w."concertId", 'userId', w."userId", 'number', w.number,
                                      'generation', w.generation, 'since', w.since))
    into ending
    from jsonb_to_recordset(asked) as w(
      "concertId" text, "userId" uuid, number int, generation int, since int, "mayEnd" boolean)
    left join lateral (
      select a.* from admission a where a.concert_id = w."concertId" and a.user_id = w."userId" limit 1) a on true
    cross join lateral fruits_of_visit(w."concertId", w."userId", w.since, w.generation) f
    where coalesce(a.generation, 0) <= w.generation
      -- What is written down as ended may be the visit before, and this one never recorded.
      and not coalesce(a.is_ended and a.generation = w.generation, false)
      and not f.is_holding and (w."mayEnd" or f.is_paid);

  if ending is not null then
    perform lock_admissions(array(
      select row(w."concertId", w."userId")::fan_of_concert
      from jsonb_to_recordset(ending) as w("concertId" text, "userId" uuid)));
    -- Also one that was never recorded: nobody has its token, and now nobody can get it.
    insert into admission as a (concert_id, user_id, number, generation, since, is_ended)
    select w."concertId", w."userId", w.number, w.generation, w.since, true
    from jsonb_to_recordset(ending) as w("concertId" text, "userId" uuid, number int, generation int, since int)
    cross join lateral fruits_of_visit(w."concertId", w."userId", w.since, w.generation) f
    where not f.is_holding
    order by w."concertId" collate "C", w."userId"
    on conflict (concert_id, user_id) do update
    set number = excluded.number, generation = excluded.generation, since = excluded.since, is_ended = true
    where excluded.generation >= a.generation;
  end if;

  return query
  select w.ord, case
      when a.generation = w.generation and a.is_ended then 'over'
      when f.is_holding then 'holding'
      else 'inside'
    end
  from jsonb_to_recordset(asked) as w(ord int, "concertId" text, "userId" uuid, generation int, since int)
  left join lateral (
    select a.* from admission a where a.concert_id = w."concertId" and a.user_id = w."userId" limit 1) a on true
  cross join lateral fruits_of_visit(w."concertId", w."userId", w.since, w.generation) f;
end $$;
