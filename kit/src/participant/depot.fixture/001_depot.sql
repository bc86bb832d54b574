-- A service as small as can be: crates that take things until they are full.

create table crate (
  id text primary key,
  room int not null,
  load int not null default 0 check (load >= 0)
);

create function lock_rows(commands command[]) returns void
language plpgsql volatile as $$
begin
  perform 1
  from (select distinct c.body ->> 'crate' as id from unnest(commands) c where c.body ? 'crate' order by 1) w
  join lateral (select 1 from crate b where b.id = w.id for update) b on true;
end $$;

create function decide(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
declare
  c command;
  amount int;
  held crate;
begin
  foreach c in array commands loop
    -- Somebody forgot to write it.
    continue when c.type = 'depot.forget';
    amount := (c.body ->> 'amount')::int;
    select * into held from crate b where b.id = c.body ->> 'crate';
    if c.type = 'depot.take-back' then amount := -amount; end if;
    ord := c.ord;
    if held.load + amount > held.room then
      outcome := json_build_object('refused', json_build_object(
        'code', 'crate_full', 'data', json_build_object('room', held.room, 'load', held.load)));
    else
      update crate set load = load + amount where id = held.id;
      outcome := json_build_object('ok', json_build_object('load', held.load + amount));
    end if;
    return next;
  end loop;
end $$;
