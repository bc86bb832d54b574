-- The journal is inbox, reply store and barrier at once: one row per (saga, step, do | undo), written in the transaction of
-- the effect it speaks of. A repeated command is answered from it.

create table journal (
  saga uuid not null,
  step text not null,
  direction text not null check (direction in ('do', 'undo')),
  outcome json not null,
  ok boolean not null,
  at timestamptz not null default now(),
  primary key (saga, step, direction)
);

create type command as (ord int, saga uuid, step text, direction text, type text, body jsonb);

-- Handles a batch in one transaction and one round trip: lock, then look (protocol rule 8).
--
-- A service supplies two functions:
--   lock_rows(command[])  locks every business row the batch may touch, in key order;
--   decide(command[])     decides what is new, writes the effects and returns an outcome for each.
-- `ord` counts from 1 in order of arrival. Within a batch a (saga, step) stands once; the caller sees to it.
--
-- Each statement of a volatile plpgsql function takes its own snapshot: the look sees everything that committed before
-- the locks were granted. What never locked a row (`settle`) is serialised by the journal's key: 23505 repeats the batch.
create function handle(batch jsonb) returns json
language plpgsql volatile as $$
declare
  commands command[];
  known json[];
  -- For undos: whether this saga's action took effect (true), was refused (false) or never arrived (null).
  did boolean[];
  fresh command[];
  all_fresh boolean;
  answer json;
begin
  select array_agg(row(c.ord, c.saga, c.step, c.direction, c.type, c.body)::command order by c.ord)
    into commands
    from jsonb_to_recordset(batch) as c(ord int, saga uuid, step text, direction text, type text, body jsonb);

  perform lock_rows(commands);

  -- LATERAL … LIMIT 1 can only become an index probe per command; a plain join may turn into a scan of the journal.
  select array_agg(own.outcome order by c.ord), array_agg(act.ok order by c.ord),
         bool_and(own.outcome is null and c.direction = 'do')
    into known, did, all_fresh
    from unnest(commands) c
    left join lateral (
      select j.outcome from journal j
      where j.saga = c.saga and j.step = c.step
        and j.direction = case c.direction when 'undo' then 'undo' else 'do' end
      limit 1) own on true
    left join lateral (
      select j.ok from journal j
      where c.direction = 'undo' and j.saga = c.saga and j.step = c.step and j.direction = 'do'
      limit 1) act on true;

  if all_fresh then
    fresh := commands;
  else
    select coalesce(array_agg(row(c.ord, c.saga, c.step, c.direction, c.type, c.body)::command order by c.ord), '{}')
      into fresh
      from unnest(commands, known, did) as c(ord, saga, step, direction, type, body, known, did)
      where c.known is null and (c.direction = 'do' or (c.direction = 'undo' and c.did));
  end if;

  with decided as materialized (
    select d.ord, d.outcome from decide(fresh) d
  ), outcomes as materialized (
    select c.ord, c.saga, c.step, c.direction, c.did, c.known is null as is_new,
           -- An undo of what was done and that `decide` says nothing of stays without an outcome: a fault, not a success.
           coalesce(c.known, d.outcome, case
             when c.direction = 'settle' then '{"refused":{"code":"timed_out","data":{}}}'::json
             when c.direction = 'undo' and c.did is not true then '{"ok":{}}'::json
           end) as outcome
    from unnest(commands, known, did) as c(ord, saga, step, direction, type, body, known, did)
    left join decided d on d.ord = c.ord
  ), written as (
    insert into journal (saga, step, direction, outcome, ok)
    select o.saga, o.step, case o.direction when 'undo' then 'undo' else 'do' end, o.outcome,
           (o.outcome -> 'ok') is not null
    from outcomes o where o.is_new
    union all
    -- An undo that met no action leaves the action's key behind, so that a late action does nothing.
    select o.saga, o.step, 'do', '{"refused":{"code":"timed_out","data":{}}}'::json, false
    from outcomes o where o.is_new and o.direction = 'undo' and o.did is null
  )
  select json_agg(o.outcome order by o.ord) into answer from outcomes o;
  return answer;
end $$;
