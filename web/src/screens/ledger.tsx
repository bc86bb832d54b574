import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { balanceQuery, entriesQuery } from '../api/queries.ts';
import type { Fan } from '../api/session.ts';
import type { PointEntry } from '../api/wire.ts';
import { useFan } from '../fan.tsx';
import { useLanguage } from '../language.tsx';
import { Action } from '../parts/action.tsx';
import { ChargePoints } from '../parts/charge-points.tsx';
import { Failure, Placeholder } from '../parts/notice.tsx';
import { SignInHere } from '../parts/sign-in-here.tsx';
import { Screen } from '../screen.tsx';

export function Ledger() {
  const { t } = useLanguage();
  const { fan } = useFan();
  return (
    <Screen title={t.ledger.title} className="ledger">
      {fan ? <Wallet fan={fan} /> : <SignInHere text={t.ledger.signIn} />}
    </Screen>
  );
}

function Wallet({ fan }: { readonly fan: Fan }) {
  const { t } = useLanguage();
  const { data: wallet } = useQuery(balanceQuery(fan.userId));
  return (
    <div className="ledger-columns">
      <section className="wallet">
        <p>{t.ledger.balance}</p>
        <p className="wallet-balance number">{wallet ? t.points(wallet.balance) : '\u00a0'}</p>
        <ChargePoints fan={fan} missing={0} />
        <p className="soft">{t.checkout.demo}</p>
      </section>
      <Entries fan={fan} />
    </div>
  );
}

function Entries({ fan }: { readonly fan: Fan }) {
  const { t } = useLanguage();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    entriesQuery(fan.userId),
  );
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Placeholder className="placeholder-entries" />;
  const entries = data.pages.flatMap(({ items }) => items);
  if (entries.length === 0) return <p className="empty">{t.ledger.none}</p>;
  return (
    <div className="entries">
      <table>
        <thead>
          <tr>
            <th scope="col">{t.ledger.what}</th>
            <th scope="col" className="end">
              {t.ledger.amount}
            </th>
            <th scope="col" className="end">
              {t.ledger.after}
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <EntryRow key={entry.entryId} entry={entry} />
          ))}
        </tbody>
      </table>
      {hasNextPage && (
        <Action tone="quiet" onAct={() => void fetchNextPage()} busy={isFetchingNextPage && t.loading}>
          {t.ledger.more}
        </Action>
      )}
    </div>
  );
}

function EntryRow({
  entry: { type, amount, balanceAfter, at, reservationId },
}: {
  readonly entry: PointEntry;
}) {
  const { t, format } = useLanguage();
  const sign = amount > 0 ? '+' : '−';
  return (
    <tr>
      <td>
        {reservationId === undefined ? (
          t.ledger.types[type]
        ) : (
          <Link href={`/reservations/${reservationId}`}>{t.ledger.types[type]}</Link>
        )}
        <span className="soft number">{format.stamp(at)}</span>
      </td>
      <td className={`end number entry-${type}`}>{`${sign}${t.points(Math.abs(amount))}`}</td>
      <td className="end number soft">{t.points(balanceAfter)}</td>
    </tr>
  );
}
