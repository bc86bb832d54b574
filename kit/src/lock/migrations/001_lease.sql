-- Jobs that should have one owner. The fence grows with every change of owner; whoever writes for the job checks it in the
-- transaction that writes.
create table lease (
  name text primary key,
  owner text not null,
  fence bigint not null,
  until timestamptz not null
);
