-- What the promoter's own system is to be told: durably ours before the command is answered, sent afterwards until it is
-- taken. The row is the outbox.

create table delivery (
  -- The saga's id: stable, so that the receiver can tell a repetition.
  id uuid primary key,
  reservation_id uuid not null,
  -- Of the reservation. Two cancellations of one reservation are one fact: the second finds it told already.
  version int not null,
  body text not null,
  created_at timestamptz not null default now(),
  -- Those whose outcome is known.
  attempts int not null default 0,
  -- Whoever stores a delivery sends it at once; this is for the case that they are gone by then.
  next_attempt_at timestamptz not null default now() + interval '30 seconds',
  last_error text,
  delivered_at timestamptz,
  -- Not taken for a day: an operator has to look.
  set_aside_at timestamptz
) with (fillfactor = 80);

create unique index delivery_of_version on delivery (reservation_id, version);
create index delivery_due on delivery (next_attempt_at) where delivered_at is null and set_aside_at is null;

-- What the built-in stub receiver got. A stand-in for the promoter's system, which would remember too.
create table stub_receipt (
  id text primary key,
  body json not null,
  times int not null default 1,
  received_at timestamptz not null default clock_timestamp()
);

create function rfc3339(at timestamptz) returns text language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Nothing to lock: a delivery belongs to one saga, and the journal's key serialises its repetitions.
create function lock_rows(commands command[]) returns void language sql as $$ $$;

create function decide(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  insert into delivery (id, reservation_id, version, body)
  select distinct on (c.body ->> 'reservationId', c.body ->> 'version')
         c.saga, (c.body ->> 'reservationId')::uuid, (c.body ->> 'version')::int, c.body
  from unnest(commands) c
  where not exists (
    select 1 from delivery d
    where d.reservation_id = any (array[(c.body ->> 'reservationId')::uuid])
      and d.version = any (array[(c.body ->> 'version')::int]))
  order by c.body ->> 'reservationId', c.body ->> 'version', c.ord;
  return query select c.ord, '{"ok":{}}'::json from unnest(commands) c;
end $$;
