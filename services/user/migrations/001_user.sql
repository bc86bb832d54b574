-- Accounts and sessions. An account that was deleted keeps its id and loses everything personal.

create table account (
  id uuid primary key,
  name text,
  -- Lower case; the address as typed is not kept.
  email text collate "C" unique,
  password_hash text,
  role text not null default 'fan' check (role in ('fan', 'promoter', 'operator')),
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  check ((deleted_at is null) = (name is not null and email is not null and password_hash is not null))
);

-- A session that was signed out before its end. Access tokens are checked by their signature; this is what undoes one.
create table ended_session (
  id uuid primary key,
  expires_at timestamptz not null
);
