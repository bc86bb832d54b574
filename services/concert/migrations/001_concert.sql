-- Concerts, performances, seats, holds and reservations. Ids are the promoter's own short names (season file).

create table venue (
  id text collate "C" primary key,
  name text not null
);

create table concert (
  id text collate "C" primary key,
  venue_id text collate "C" not null references venue,
  title text not null,
  artist text not null,
  translations json not null,
  on_sale_at timestamptz not null,
  -- As the season file last had it: only another one there changes what the promoter made of it.
  season_on_sale_at timestamptz,
  sale_state text not null default 'open' check (sale_state in ('open', 'paused', 'closed')),
  -- Where there is a waiting room: how many fans are inside at once, how many are let in a second at most, and since when
  -- nobody reserves without an admission.
  inside int check (inside > 0),
  pace double precision check (pace >= 0),
  guarded_since timestamptz,
  check ((inside is null) = (pace is null) and (inside is null) = (guarded_since is null)),
  -- Catalogue edits are rare and seldom meet: optimistic, by this version (ETag and If-Match), not by locks.
  version int not null default 1
);

create table performance (
  id text collate "C" primary key,
  concert_id text collate "C" not null references concert,
  starts_at timestamptz not null,
  seats_total int not null,
  -- What its seats cost, kept beside them so that a list of concerts need not read every seat.
  price_min int not null,
  price_max int not null,
  -- A new version whenever geometry or prices change; clients cache a map by it.
  seat_map_version int not null default 1,
  seat_map text not null,
  -- Counts the batches that changed a seat: readers tell newer from older by it.
  sequence bigint not null default 0
);

create index performance_of_concert on performance (concert_id, starts_at, id);

create table reservation (
  -- The id of the saga that made it: random, and the same however often that saga's command is repeated.
  id uuid primary key,
  -- No foreign keys between what commands write: they are checked row by row, and cost more than the command. The function
  -- that writes them has the rows locked, and the auditor looks after it.
  performance_id text collate "C" not null,
  user_id uuid not null,
  status text not null check (status in ('reserved', 'paying', 'paid', 'cancelled', 'expired')),
  seat_ids text[] collate "C" not null,
  -- [{seatId, label, price}] as held: the price is frozen here.
  seats json not null,
  amount int not null,
  expires_at timestamptz not null,
  -- Whether a failed payment has lengthened the hold; it does so once.
  extended boolean not null default false,
  paying_saga uuid,
  -- Grows with every change, in the same statement: readers of events and the partner apply only newer ones.
  version int not null default 1,
  -- By which admission it was made; null where the concert had no waiting room.
  generation int,
  created_at timestamptz not null default now(),
  -- When it was paid, also after it was cancelled: what tells a cancelled ticket from a hold that was given back.
  paid_at timestamptz,
  check ((status = 'paying') = (paying_saga is not null))
) with (fillfactor = 70);

-- Holds by when they end, for the job that ends them.
create index reservation_due on reservation (expires_at) where status = 'reserved';
-- Without the id, which orders those of one moment: a planner that knew no rows yet would look ids up here, from end to end.
create index reservation_of_user on reservation (user_id, created_at desc);
-- Tickets that are not good any more, for the doors of a performance.
create index reservation_cancelled on reservation (performance_id, id) where status = 'cancelled' and paid_at is not null;

create table seat (
  performance_id text collate "C" not null references performance,
  id text collate "C" not null,
  -- Its place in the order of the seat map.
  index int not null,
  label text not null,
  grade text collate "C" not null default '',
  price int not null check (price >= 0),
  status text not null default 'available' check (status in ('available', 'reserved', 'paid')),
  reservation_id uuid,
  primary key (performance_id, id),
  check ((status = 'available') = (reservation_id is null))
) with (fillfactor = 70);

create function rfc3339(at timestamptz) returns text language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
