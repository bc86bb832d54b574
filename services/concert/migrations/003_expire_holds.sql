-- The one job that ends holds has one owner. The lease saves work; the fence, checked here at the row, keeps an owner that
-- slept through the end of its lease from writing.
create function expire_holds(owner_fence bigint, most int) returns int
language plpgsql volatile as $$
declare
  due uuid[];
  performance_ids text[];
begin
  perform 1 from lease l where l.name = 'expire-holds' and l.fence = owner_fence for share;
  if not found then raise exception 'the lease has another owner' using errcode = 'TU001'; end if;

  due := array(select r.id from reservation r
               where r.status = 'reserved' and r.expires_at <= clock_timestamp()
               order by r.expires_at limit most);
  if due = '{}' then return 0; end if;
  -- Lock, then look: a payment that came first has the row, and then it is not due any more.
  perform 1 from (select unnest(due) as id order by 1) w
    join lateral (select 1 from reservation r where r.id = w.id for update) r on true;
  due := array(select r.id from unnest(due) w(id)
               join lateral (select * from reservation r where r.id = w.id limit 1) r on true
               where r.status = 'reserved' and r.expires_at <= clock_timestamp());
  perform 1
  from (select r.performance_id, s.id
        from unnest(due) w(id)
        join lateral (select * from reservation r where r.id = w.id limit 1) r on true
        cross join lateral unnest(r.seat_ids) s(id)
        order by 1, 2) w
  join lateral (select 1 from seat t where t.performance_id = w.performance_id and t.id = w.id for update) t on true;

  with ended as (
    update reservation r set status = 'expired', version = r.version + 1
    where r.id = any (due)
    returning r.id, r.performance_id, r.seat_ids
  ), freed as (
    update seat t set status = 'available', reservation_id = null
    from (select e.id as reservation_id, e.performance_id, s.id from ended e cross join lateral unnest(e.seat_ids) s(id)) w
    where t.performance_id = any (array[w.performance_id]) and t.id = any (array[w.id]) and t.reservation_id = w.reservation_id
  )
  select array_agg(distinct e.performance_id) into performance_ids from ended e;
  if performance_ids is not null then perform count_change(performance_ids); end if;
  return cardinality(due);
end $$;
