-- A service as small as can be: boxes that take things until they are full.

create table box (
  id text primary key,
  room int not null,
  load int not null default 0 check (load >= 0)
);

create function lock_rows(commands command[]) returns void
language plpgsql volatile as $$
begin
  perform 1
  from (select distinct c.body ->> 'box' as id from unnest(commands) c where c.body ? 'box' order by 1) w
  join lateral (select 1 from box b where b.id = w.id for update) b on true;
end $$;

create function decide(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
declare
  c command;
  amount int;
  held box;
begin
  foreach c in array commands loop
    amount := (c.body ->> 'amount')::int;
    select * into held from box b where b.id = c.body ->> 'box';
    if c.type = 'depot.take-back' then amount := -amount; end if;
    ord := c.ord;
    if held.load + amount > held.room then
      outcome := json_build_object('refused', json_build_object(
        'code', 'box_full', 'data', json_build_object('room', held.room, 'load', held.load)));
    else
      update box set load = load + amount where id = held.id;
      outcome := json_build_object('ok', json_build_object('load', held.load + amount));
    end if;
    return next;
  end loop;
end $$;
