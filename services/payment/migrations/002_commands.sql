-- The commands of the payment service, called by the journal's `handle`: first `lock_rows`, then `decide`. Pessimistic,
-- because a balance must agree with its ledger at the row: of two payments from one wallet the second sees the first.

create function lock_rows(commands command[]) returns void
language plpgsql volatile as $$
begin
  -- Every fan has a wallet, if only an empty one: an empty wallet is no effect, but a row to lock.
  insert into wallet (user_id)
  select distinct (c.body ->> 'userId')::uuid from unnest(commands) c
  where c.body ? 'userId'
    and not exists (select 1 from wallet w where w.user_id = any (array[(c.body ->> 'userId')::uuid]))
  order by 1
  on conflict do nothing;

  perform 1
  from (select distinct (c.body ->> 'userId')::uuid as id from unnest(commands) c where c.body ? 'userId' order by 1) k
  join lateral (select 1 from wallet w where w.user_id = k.id for update) w on true;
end $$;

-- What a cancelled reservation had cost goes back once: the amount is the payment row's, not the command's; a reservation
-- that was not paid returns nothing, and asking again says what was returned.
--
-- All commands move one wallet by one amount. Those of different wallets are decided together; those of one wallet one after
-- the other, in order of arrival, and a refused one takes nothing from those behind it.
create function decide(commands command[]) returns table (ord int, outcome json)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  balance_max constant bigint := 1000000000;
  -- Not `at`: that is a column of what it is written to.
  decided_at constant timestamptz := clock_timestamp();
  turns int;
begin
  select coalesce(max(n), 0) into turns
  from (select count(*) as n from unnest(commands) c group by c.body ->> 'userId') per_wallet;

  for this_turn in 1 .. turns loop
    return query
    with asked as (
      select c.ord, c.saga, c.type, (c.body ->> 'userId')::uuid as user_id, (c.body ->> 'amount')::bigint as amount,
             (c.body ->> 'reservationId')::uuid as reservation_id,
             row_number() over (partition by c.body ->> 'userId' order by c.ord) as turn
      from unnest(commands) c
    ), judged as materialized (
      select a.*, w.balance, p.id as payment_id, p.amount as paid, p.returned_at,
             case a.type
               when 'payment.deduct-points' then -a.amount
               when 'payment.charge-points' then a.amount
               else case when p.returned_at is null then coalesce(p.amount, 0) else 0 end
             end as delta,
             case
               when a.type = 'payment.deduct-points' and w.balance < a.amount then json_build_object(
                 'code', 'insufficient_points', 'data', json_build_object('balance', w.balance, 'amount', a.amount))
               when a.type = 'payment.charge-points' and w.balance + a.amount > balance_max then json_build_object(
                 'code', 'balance_limit', 'data', json_build_object('balance', w.balance, 'limit', balance_max))
             end as refused
      from asked a
      join lateral (select w.balance from wallet w where w.user_id = a.user_id limit 1) w on true
      left join lateral (
        select p.* from payment p
        where a.type = 'payment.return-points' and p.reservation_id = a.reservation_id and p.user_id = a.user_id
        order by p.at desc limit 1) p on true
      where a.turn = this_turn
    ), granted as (
      select * from judged where refused is null
    ), moved as (
      update wallet w set balance = w.balance + g.delta from granted g where w.user_id = any (array[g.user_id]) and g.delta <> 0
    ), entered as (
      insert into entry (id, user_id, type, amount, balance_after, position, reservation_id, at)
      select g.saga, g.user_id,
             case g.type when 'payment.deduct-points' then 'payment' when 'payment.charge-points' then 'charge' else 'return' end,
             g.delta, g.balance + g.delta, coalesce(last.position, 0) + 1, g.reservation_id, decided_at
      from granted g
      left join lateral (
        select e.position from entry e where e.user_id = g.user_id order by e.position desc limit 1) last on true
      where g.delta <> 0
    ), paid as (
      insert into payment (id, reservation_id, user_id, amount, at)
      select g.saga, g.reservation_id, g.user_id, g.amount, decided_at from granted g where g.type = 'payment.deduct-points'
    ), returned as (
      -- By its key alone: asked for `returned_at is null`, the planner takes the index of all that were not returned.
      update payment p set returned_at = decided_at from granted g where p.id = any (array[g.payment_id]) and g.returned_at is null
    )
    select j.ord, case
        when j.refused is not null then json_build_object('refused', j.refused)
        when j.type = 'payment.deduct-points' then json_build_object('ok', json_build_object(
          'paymentId', j.saga, 'balance', j.balance + j.delta, 'at', rfc3339(decided_at)))
        when j.type = 'payment.charge-points' then
          json_build_object('ok', json_build_object('entryId', j.saga, 'balance', j.balance + j.delta))
        else json_build_object('ok', json_build_object('returned', coalesce(j.paid, 0), 'balance', j.balance + j.delta))
      end
    from judged j;
  end loop;
end $$;
