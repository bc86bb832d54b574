import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link, useParams } from 'wouter';
import { endAttempt, type Wish } from '../api/attempt.ts';
import { forgetAdmission } from '../api/line.ts';
import { balanceQuery, reservationQuery } from '../api/queries.ts';
import { isRefusal, Refusal } from '../api/refusal.ts';
import type { Fan } from '../api/session.ts';
import type { Payment, Reservation } from '../api/wire.ts';
import { useAnnounce } from '../announcer.tsx';
import { useAttempt } from '../attempts.ts';
import { performanceQuery, useEvenings, type Evening } from '../evenings.ts';
import { useFan } from '../fan.tsx';
import { clockOf } from '../formats.ts';
import { useLanguage } from '../language.tsx';
import { Action } from '../parts/action.tsx';
import { CancelDialog } from '../parts/cancel-dialog.tsx';
import { ChargePoints } from '../parts/charge-points.tsx';
import { useTimeLeft } from '../parts/countdown.ts';
import { Failure, Notice, Placeholder } from '../parts/notice.tsx';
import { SignInHere } from '../parts/sign-in-here.tsx';
import { TicketCode } from '../parts/ticket-code.tsx';
import { Ticket } from '../parts/ticket.tsx';
import { Screen } from '../screen.tsx';
import { keepOperation, keptOperation } from '../stored.ts';

/** One reservation: to be paid, paid, or over. */
export function Checkout() {
  const { reservationId = '' } = useParams<{ reservationId: string }>();
  const { t } = useLanguage();
  const { fan } = useFan();
  return fan ? (
    <Known key={reservationId} fan={fan} reservationId={reservationId} />
  ) : (
    <Screen title={t.checkout.title} className="plain">
      <SignInHere text={t.tickets.signIn} />
    </Screen>
  );
}

type KnownProps = { readonly fan: Fan; readonly reservationId: string };

function Known({ fan, reservationId }: KnownProps) {
  const { t } = useLanguage();
  const {
    data: reservation,
    error,
    refetch,
  } = useQuery({
    ...reservationQuery(fan.userId, reservationId),
    // While it is being paid somewhere the end of that is what the fan waits for.
    refetchInterval: ({ state }) => (state.data?.status === 'paying' ? 1_000 : false),
  });
  const stage = stageOf(reservation?.status);
  useEnding(reservation?.status);
  const titles = {
    open: t.checkout.title,
    paid: t.checkout.paid,
    expired: t.checkout.over,
    cancelled: t.tickets.states.cancelled,
  };
  return (
    // What was under the fan's hand is gone: the screen is a new one, and the focus is at its top.
    <Screen key={stage} title={titles[stage]} className="checkout">
      {error && !reservation && <Failure error={error} onRetry={() => void refetch()} />}
      {!reservation && !error && <Placeholder className="placeholder-checkout" />}
      {reservation && <Settled fan={fan} reservation={reservation} />}
    </Screen>
  );
}

type Status = Reservation['status'];

const stageOf = (status: Status | undefined): 'open' | 'paid' | 'expired' | 'cancelled' =>
  status === undefined || status === 'reserved' || status === 'paying' ? 'open' : status;

/** Says how it ended to those who do not see it; a cancellation is told of by who asks for it. */
function useEnding(status: Status | undefined): void {
  const { t } = useLanguage();
  const announce = useAnnounce();
  const before = useRef(status);
  useEffect(() => {
    const wasOpen = before.current !== undefined && stageOf(before.current) === 'open';
    before.current = status;
    if (!wasOpen) return;
    if (status === 'paid') announce(t.checkout.paidText);
    if (status === 'expired') announce(t.refusals.reservation_expired.join(' '));
  }, [status, announce, t]);
}

const payWish = (reservationId: string): Wish => `pay:${reservationId}`;

type SettledProps = { readonly fan: Fan; readonly reservation: Reservation };

function Settled({ fan, reservation }: SettledProps) {
  const { t } = useLanguage();
  const { status, performanceId } = reservation;
  const evening = useEvenings([performanceId]).get(performanceId);
  const isOpen = status === 'reserved' || status === 'paying';
  useEffect(() => {
    if (!isOpen) endAttempt({ userId: fan.userId, wish: payWish(reservation.reservationId) });
  }, [isOpen, fan.userId, reservation.reservationId]);
  return (
    <div className="checkout-columns">
      <Ticket reservation={reservation} evening={evening} />
      <div className="checkout-side">
        {isOpen && <Pay fan={fan} reservation={reservation} />}
        {status === 'paid' && (
          <>
            <Notice tone="good" what={t.checkout.paidText} />
            <TicketCode fan={fan} reservationId={reservation.reservationId} />
            <div className="checkout-acts">
              <Link className="button" href="/tickets">
                {t.checkout.toTicket}
              </Link>
              <Paid reservationId={reservation.reservationId} />
            </div>
          </>
        )}
        {(status === 'expired' || status === 'cancelled') && <Over status={status} evening={evening} />}
      </div>
    </div>
  );
}

/** How it was paid, where this browser has paid it. */
function Paid({ reservationId }: { readonly reservationId: string }) {
  const { t } = useLanguage();
  const operationId = keptOperation(reservationId);
  return operationId === null ? null : <Link href={`/operations/${operationId}`}>{t.tickets.what}</Link>;
}

type OverProps = {
  readonly status: 'expired' | 'cancelled';
  readonly evening: Evening | undefined;
};

function Over({ status, evening }: OverProps) {
  const { t } = useLanguage();
  const isToCome = useTimeLeft(evening?.performance.startsAt) > 0;
  const [what, todo] = t.refusals[status === 'expired' ? 'reservation_expired' : 'reservation_cancelled'];
  return (
    <Notice tone="warn" what={what} todo={todo}>
      {evening && isToCome && (
        <Link
          className="button"
          href={`/concerts/${evening.concert.concertId}/seats/${evening.performance.performanceId}`}
        >
          {t.checkout.again}
        </Link>
      )}
    </Notice>
  );
}

function Pay({ fan, reservation }: SettledProps) {
  const { reservationId, performanceId, amount, expiresAt, status } = reservation;
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [isGivingUp, setGivingUp] = useState(false);
  const { data: wallet } = useQuery(balanceQuery(fan.userId));
  const refresh = () => void queries.invalidateQueries({ queryKey: ['fan', fan.userId] });

  /** The payment has used it up. Where that cannot be noted here, the door says so. */
  const endTurn = async (): Promise<void> => {
    const evening = await queries.ensureQueryData(performanceQuery(performanceId)).catch(() => undefined);
    if (evening) forgetAdmission(fan.userId, evening.concertId);
  };
  const paying = useAttempt<Payment>(payWish(reservationId), {
    onDone: ({ body, operationId }) => {
      if (operationId !== null) keepOperation(reservationId, operationId);
      void endTurn();
      queries.setQueryData(['fan', fan.userId, 'balance'], { balance: body.balance });
      queries.setQueryData<Reservation>(['fan', fan.userId, 'reservation', reservationId], (known) =>
        known ? { ...known, status: 'paid' } : known,
      );
      refresh();
    },
    onRefused: refresh,
  });
  const missing = wallet === undefined ? 0 : Math.max(0, amount - wallet.balance);
  const isPaying = paying.isBusy || status === 'paying';
  const isShown = paying.error !== null && !(isRefusal(paying.error, 'insufficient_points') && missing === 0);
  return (
    <>
      <Hold expiresAt={expiresAt} isPaying={isPaying} onOver={refresh} />
      <dl className="sums number">
        <div className="sums-total">
          <dt>{t.checkout.total}</dt>
          <dd>{t.points(amount)}</dd>
        </div>
        <div>
          <dt>{t.checkout.balance}</dt>
          <dd>{wallet ? t.points(wallet.balance) : '\u00a0'}</dd>
        </div>
        {wallet && missing === 0 && (
          <div>
            <dt>{t.checkout.after}</dt>
            <dd>{t.points(wallet.balance - amount)}</dd>
          </div>
        )}
      </dl>
      {isShown && (
        <Failure error={paying.error}>
          <Why operationId={paying.error instanceof Refusal ? paying.error.operationId : null} />
        </Failure>
      )}
      {isPaying && <Progress isFound={paying.isFound || !paying.isBusy} phase={paying.phase} />}
      {missing > 0 && !isPaying && <ChargePoints fan={fan} missing={missing} onCharged={paying.clearError} />}
      <div className="checkout-acts">
        <Action
          onAct={() => void paying.start(`/reservations/${reservationId}/payment`, {})}
          busy={isPaying && t.checkout.paying}
          isDisabled={missing > 0}
        >
          {t.checkout.pay(t.points(amount))}
        </Action>
        {!isPaying && (
          <Action tone="quiet" onAct={() => setGivingUp(true)}>
            {t.checkout.giveUp}
          </Action>
        )}
      </div>
      {isGivingUp && <CancelDialog fan={fan} reservation={reservation} onClose={() => setGivingUp(false)} />}
    </>
  );
}

/** To the timeline, for who wants to know how it came to this. */
function Why({ operationId }: { readonly operationId: string | null }) {
  const { t } = useLanguage();
  return operationId === null ? null : <Link href={`/operations/${operationId}`}>{t.checkout.undone}</Link>;
}

type HoldProps = { readonly expiresAt: string; readonly isPaying: boolean; readonly onOver: () => void };

const shortMs = 60_000;

/**
 * How long the seats stay this fan's; at its end the server says what became of them. A payment that began in time goes on after
 * it: there is no time to speak of then.
 */
function Hold({ expiresAt, isPaying, onOver }: HoldProps) {
  const { t } = useLanguage();
  const leftMs = useTimeLeft(expiresAt);
  const isOver = leftMs <= 0;
  const over = useRef(onOver);
  useEffect(() => {
    over.current = onOver;
  });
  useEffect(() => {
    if (!isOver || isPaying) return;
    over.current();
    const timer = setInterval(() => over.current(), 1_000);
    return () => clearInterval(timer);
  }, [isOver, isPaying]);
  if (isOver && isPaying) return null;
  return (
    <div className={`hold ${leftMs < shortMs ? 'hold-short' : ''}`}>
      <p id="hold">{isOver ? t.checkout.over : t.checkout.held}</p>
      <p className="hold-clock number" role="timer" aria-labelledby="hold">
        {clockOf(leftMs)}
      </p>
    </div>
  );
}

type ProgressProps = { readonly isFound: boolean; readonly phase: ReturnType<typeof useAttempt>['phase'] };

function Progress({ isFound, phase }: ProgressProps) {
  const { t } = useLanguage();
  const { finding, findingText, paying, still } = t.checkout;
  if (phase === 'waiting' || phase === 'repeating') {
    const [what, todo] = phase === 'waiting' ? [t.unreachable[0], findingText] : t.refusals.outcome_unknown;
    return (
      <div role="status">
        <Notice tone="warn" what={what} todo={todo} />
      </div>
    );
  }
  const todo = phase === 'following' ? still : isFound ? findingText : undefined;
  return (
    <div role="status">
      <Notice what={isFound ? finding : paying} todo={todo} />
    </div>
  );
}
