-- One row per saga: what was asked, who drives it, how it ended. The row is its own outbox: while it is open, its owner
-- asks its participants again until they answer, and when the owner is gone another driver takes the row over.

create table saga (
  id uuid primary key,
  name text not null,
  version int not null,
  fan text not null,
  route text not null,
  key text not null,
  fingerprint text not null,
  input json not null,
  trace_id text not null,
  status text not null default 'running' check (status in ('running', 'compensating', 'succeeded', 'failed')),
  -- Why it turned round; set together with 'compensating', before the first undo leaves.
  reason json,
  owner text not null,
  -- Grows with every change of owner; a write that carries an older one finds no row.
  epoch int not null default 1,
  created_at timestamptz not null default now(),
  deadline_at timestamptz not null,
  ended_at timestamptz,
  -- The final answer, byte for byte: text, because jsonb would reorder its keys.
  answer_status int,
  answer text,
  -- What became of each step, for those who ask afterwards: [name, status, started, ended] in epoch milliseconds.
  steps json,
  unique (fan, route, key)
);

-- For those who look for open sagas. By id and not by owner: one driver may own nearly all of them, and a planner that
-- believed an owner to be few rows would read them all for every write.
create index saga_open on saga (id) where status in ('running', 'compensating');

-- Who drives. A driver that does not renew its lease loses its rows to the others.
create table driver (
  id text primary key,
  lease_until timestamptz not null
);

-- Inserts what is new, and returns the rest with what is already there. A driver drives only what this inserted.
-- Not by way of jsonb: an answer may repeat what was asked for, and jsonb would reorder its keys.
create function start_sagas(batch json, driver_id text)
returns table (id uuid, existing json)
language plpgsql as $$
#variable_conflict use_column
declare
  missed text[][];
begin
  with asked as materialized (
    select b.* from json_to_recordset(batch) as b(
      id uuid, name text, version int, fan text, route text, key text, fingerprint text, input json,
      "traceId" text, "deadlineMs" int)
  ), put as (
    insert into saga (id, name, version, fan, route, key, fingerprint, input, trace_id, owner, deadline_at)
    select a.id, a.name, a.version, a.fan, a.route, a.key, a.fingerprint, a.input, a."traceId", driver_id,
           now() + a."deadlineMs" * interval '1 millisecond'
    from asked a
    -- Not an effect: whoever loses here is told of the row that won.
    on conflict (fan, route, key) do nothing
    returning saga.id
  )
  select array_agg(array[a.id::text, a.fan, a.route, a.key]) into missed
  from asked a left join put on put.id = a.id where put.id is null;

  -- A statement of its own: what won may have been committed after the snapshot of the one above.
  for at in 1 .. coalesce(array_length(missed, 1), 0) loop
    return query
    select missed[at][1]::uuid, (
      select json_build_object(
        'id', s.id, 'fingerprint', s.fingerprint, 'status', s.status, 'answerStatus', s.answer_status, 'answer', s.answer)
      from saga s where s.fan = missed[at][2] and s.route = missed[at][3] and s.key = missed[at][4]);
  end loop;
end $$;
