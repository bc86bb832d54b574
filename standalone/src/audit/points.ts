import { rowsThat, type Invariant } from './invariant.ts';

const walletsAddUp: Invariant = {
  number: 5,
  kind: 'A',
  title: 'every balance is the sum of its ledger, never negative; entries are never changed',
  needs: [],
  check: async ({ snapshots: { payment } }) => [
    ...(await rowsThat(
      payment,
      'A balance is not the sum of its entries, or below nothing',
      `select w.user_id || ' has ' || w.balance || ', its entries say ' || coalesce(e.sum, 0)
       from wallet w left join (select user_id, sum(amount) as sum from entry group by user_id) e on e.user_id = w.user_id
       where w.balance <> coalesce(e.sum, 0) or w.balance < 0`,
    )),
    ...(await rowsThat(
      payment,
      'An entry belongs to no wallet',
      `select e.id || ' of ' || e.user_id from entry e where not exists (select 1 from wallet w where w.user_id = e.user_id)`,
    )),
    ...(await rowsThat(
      payment,
      'A ledger does not run on: a position is missing or twice, or a balance is not what came before and the amount',
      `select e.id || ' of ' || e.user_id || ' is number ' || e.nth || ' at position ' || e.position || ' with balance ' ||
              e.balance_after || ' where the entries make ' || e.running
       from (select e.*, row_number() over w as nth, sum(e.amount) over w as running
             from entry e window w as (partition by e.user_id order by e.position, e.id)) e
       where e.position <> e.nth or e.balance_after <> e.running or e.balance_after < 0`,
    )),
    ...(await rowsThat(
      payment,
      'An entry has the wrong sign',
      `select e.id || ' is a ' || e.type || ' of ' || e.amount from entry e where (e.type = 'payment') <> (e.amount < 0)`,
    )),
    ...(await rowsThat(
      payment,
      'The guard that refuses changes of entries is not on',
      `select 'trigger entry_is_append_only' where not exists (
         select 1 from pg_trigger
         where tgrelid = 'entry'::regclass and tgname = 'entry_is_append_only' and tgenabled in ('O', 'A'))`,
    )),
  ],
};

const pointsAreConserved: Invariant = {
  number: 6,
  kind: 'Q',
  title: 'points are conserved: charged − spent + returned is the sum of all balances',
  needs: ['no open saga'],
  check: async ({ snapshots: { payment } }) => [
    ...(await rowsThat(
      payment,
      'Points came from nowhere or were lost',
      `select e.charged || ' charged − ' || e.spent || ' spent + ' || e.returned || ' returned, but all balances make ' || w.balances
       from (select coalesce(sum(amount) filter (where type = 'charge'), 0) as charged,
                    coalesce(-sum(amount) filter (where type = 'payment'), 0) as spent,
                    coalesce(sum(amount) filter (where type = 'return'), 0) as returned from entry) e,
            (select coalesce(sum(balance), 0) as balances from wallet) w
       where e.charged - e.spent + e.returned <> w.balances`,
    )),
    ...(await rowsThat(
      payment,
      'A payment and its entry do not say the same',
      // A free seat is paid with no points, and no points are no entry.
      `select coalesce(p.id, e.id) || ': ' || coalesce('payment of ' || p.amount || ' by ' || p.user_id || ' for ' || p.reservation_id, 'no payment') ||
              ', ' || coalesce('entry of ' || e.amount || ' of ' || e.user_id || ' for ' || coalesce(e.reservation_id::text, 'nothing'), 'no entry')
       from (select * from payment where amount <> 0) p
       full join (select * from entry where type = 'payment') e on e.id = p.id
       where (p.amount, p.user_id, p.reservation_id) is distinct from (-e.amount, e.user_id, e.reservation_id)`,
    )),
    ...(await rowsThat(
      payment,
      'What was returned for a reservation is not what its entries returned',
      `select reservation_id || ' of ' || user_id || ': ' || coalesce(p.count, 0) || ' returned payments of ' || coalesce(p.sum, 0) ||
              ', ' || coalesce(e.count, 0) || ' entries of ' || coalesce(e.sum, 0)
       from (select reservation_id, user_id, count(*), sum(amount) from payment
             where returned_at is not null and amount <> 0 group by 1, 2) p
       full join (select reservation_id, user_id, count(*), sum(amount) from entry where type = 'return' group by 1, 2) e
         using (reservation_id, user_id)
       where p.count is distinct from e.count or p.sum is distinct from e.sum`,
    )),
  ],
};

export const pointInvariants = [walletsAddUp, pointsAreConserved];
