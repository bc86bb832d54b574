-- The line of each sale, and who is inside. A place is one short row: a million of them wait.

create table sale (
  id int generated always as identity primary key,
  concert_id text collate "C" not null unique,
  -- As the catalogue last said.
  state text not null check (state in ('open', 'paused', 'closed')),
  opens_at timestamptz not null,
  inside int not null check (inside > 0),
  inside_since timestamptz not null default now(),
  pace double precision not null check (pace >= 0),
  capacity int not null,
  held int not null,
  paid int not null,
  seats_left json not null,
  -- Its hash is public from the first moment; it is shown itself when the order is drawn.
  secret text not null,
  joined int not null default 0,
  -- How many had joined when the pre-queue closed. The rest follows from the list of joins as it was then.
  pre_queue_size int,
  opened_at timestamptz,
  join_root text,
  seed text,
  -- Whose turn it is or was: all numbers up to this one. Only ever grows.
  serving int not null default 0,
  pace_now double precision not null default 0,
  -- While there is room inside: from this number on it goes at that pace.
  pace_later_from int,
  pace_later double precision,
  updated_at timestamptz not null default now(),
  -- Since when it has been paused, or put off after its opening: nobody's time inside runs meanwhile.
  stood_since timestamptz,
  check (serving <= joined),
  check ((seed is null) = (join_root is null)),
  check (seed is not null or serving = 0)
) with (fillfactor = 50);

-- Arrivals are dense from 0, in the order of joining.
create table place (
  sale int not null,
  arrival int not null,
  fan uuid not null,
  primary key (sale, fan)
);
create unique index place_by_arrival on place (sale, arrival);

-- The list of joins that the order was drawn of, a page a row, one join a line.
create table join_page (
  sale int not null,
  first int not null,
  joins text not null,
  primary key (sale, first)
);
-- Hashes: to try to compress them is to lose time.
alter table join_page alter column joins set storage external;

-- As many rows as the sale lets in at once: the cap is their number.
create table slot (
  sale int not null,
  slot int not null,
  fan uuid,
  number int,
  generation int,
  since int,
  taken_at timestamptz,
  -- When the fan is out, unless something is held. The time of a pause is added when it is over.
  ends_at timestamptz,
  has_left boolean not null default false,
  primary key (sale, slot),
  check ((fan is null) = (generation is null))
) with (fillfactor = 50);
create unique index slot_of_fan on slot (sale, fan) where fan is not null;
create index slot_free on slot (sale, slot) where fan is null;

-- The newest visit of each fan who has been inside.
create table admission (
  sale int not null,
  fan uuid not null,
  number int not null,
  -- Grows with every token, also from visit to visit.
  generation int not null,
  since int not null,
  visits int not null,
  -- Whose turn it was then, and how many had joined.
  serving int not null,
  joined int not null,
  admitted_at timestamptz not null,
  ended_at timestamptz,
  primary key (sale, fan)
) with (fillfactor = 70);
create index admission_by_number on admission (sale, number);
create index admission_by_end on admission (sale, ended_at) where ended_at is not null;

-- Whose turn came when.
create table call (
  sale int not null,
  first int not null,
  last int not null,
  at timestamptz not null default clock_timestamp(),
  primary key (sale, first)
);
create index call_by_time on call (sale, at);

-- Fans whose turn it is and for whom there is no free slot yet. Who has never been inside goes before who has.
create table knock (
  sale int not null,
  fan uuid not null,
  number int not null,
  visits int not null,
  at timestamptz not null,
  primary key (sale, fan)
);
create index knock_in_order on knock (sale, visits, number);
