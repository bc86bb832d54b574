-- Points (a wallet and its ledger) and payments (what was paid for what).

create table wallet (
  user_id uuid primary key,
  balance bigint not null default 0 check (balance >= 0)
) with (fillfactor = 70);

-- Append-only. The id is the saga's: one saga writes one entry, however often its command arrives.
create table entry (
  id uuid primary key,
  -- No foreign key: it would be checked row by row, and the wallet is locked by the function that writes this.
  user_id uuid not null,
  type text not null check (type in ('charge', 'payment', 'return')),
  amount bigint not null check (amount <> 0),
  balance_after bigint not null check (balance_after >= 0),
  -- Dense per wallet: the order of the ledger, whatever the clock did.
  position bigint not null,
  reservation_id uuid,
  at timestamptz not null,
  unique (user_id, position)
);

create table payment (
  id uuid primary key,
  reservation_id uuid not null,
  user_id uuid not null,
  amount bigint not null check (amount >= 0),
  at timestamptz not null,
  returned_at timestamptz
);

-- A backstop: whatever goes wrong elsewhere, a reservation is not paid twice.
create unique index payment_of_reservation on payment (reservation_id) where returned_at is null;

-- For the look of a cancellation: a reservation's payment, returned or not.
create index payment_by_reservation on payment (reservation_id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'entries are never changed or deleted';
end $$;

create trigger entry_is_append_only before update or delete or truncate on entry
  for each statement execute function refuse_change();

create function rfc3339(at timestamptz) returns text language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
