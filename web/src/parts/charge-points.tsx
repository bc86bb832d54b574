import { useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import type { Fan } from '../api/session.ts';
import type { Charge } from '../api/wire.ts';
import { useAnnounce } from '../announcer.tsx';
import { useAttempt } from '../attempts.ts';
import { chargeMax, chargeMin, digitsOf, isChargeable } from '../charge-amount.ts';
import { useLanguage } from '../language.tsx';
import type { Messages } from '../messages/index.ts';
import { Action } from './action.tsx';
import { Failure, Meanwhile, Notice } from './notice.tsx';

type ChargePointsProps = {
  readonly fan: Fan;
  /** What a payment lacks. */
  readonly missing: number;
  readonly onCharged?: () => void;
};

const amountUsual = 50_000;

/** In place: the seats stay held meanwhile. */
export function ChargePoints({ fan, missing, onCharged }: ChargePointsProps) {
  const { t } = useLanguage();
  const id = useId();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const [typed, setTyped] = useState<string | null>(null);
  const charging = useAttempt<Charge>('charge', {
    onDone: ({ body }) => {
      queries.setQueryData(['fan', fan.userId, 'balance'], { balance: body.balance });
      void queries.invalidateQueries({ queryKey: ['fan', fan.userId, 'entries'] });
      announce(t.checkout.charged(t.points(body.balance)));
      setTyped(null);
      onCharged?.();
    },
  });
  // Whether it was charged is not known yet: another amount now could come on top of it.
  const open = charging.open && amountOf(charging.open.body);
  const amount =
    open ?? (typed === null ? Math.min(missing || amountUsual, chargeMax) : Number(typed || '0'));
  const type = (text: string): void => {
    const digits = digitsOf(text);
    if (digits !== null) setTyped(digits);
  };
  const isFollowed = open !== null && (charging.isFound || charging.phase !== 'asking');
  const isFine = isChargeable(amount);
  const isTooMuch = amount > chargeMax;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isFine) void charging.start('/points/charges', { amount });
  };
  return (
    <form className="charge" onSubmit={submit}>
      {missing > 0 && (
        <Notice tone="warn" what={t.checkout.missingPoints(t.points(missing))} todo={t.checkout.demo} />
      )}
      {charging.error !== null && <Failure error={charging.error} />}
      <div className="field">
        <label htmlFor={id}>{t.checkout.chargeAmount}</label>
        <input
          id={id}
          className="number"
          inputMode="numeric"
          autoComplete="off"
          value={open === null ? (typed ?? String(amount)) : String(open)}
          maxLength={12}
          readOnly={open !== null}
          aria-invalid={isTooMuch}
          aria-describedby={`${id}-below`}
          onChange={(event) => type(event.target.value)}
        />
        <p id={`${id}-below`} className={isTooMuch ? 'slip' : 'soft'}>
          {isFollowed
            ? t.checkout.chargeOpen
            : t.checkout.chargeRange(t.points(chargeMin), t.points(chargeMax))}
        </p>
        <Meanwhile phase={charging.phase} />
      </div>
      <Action type="submit" busy={charging.isBusy && t.checkout.charging} isDisabled={!isFine}>
        {chargeWords(amount, missing, t)}
      </Action>
    </form>
  );
}

function chargeWords(amount: number, missing: number, { checkout, points }: Messages): string {
  if (!isChargeable(amount)) return checkout.charge;
  return amount === missing ? checkout.chargeMissing(points(amount)) : checkout.chargeOf(points(amount));
}

const amountOf = (body: object): number | null =>
  'amount' in body && typeof body.amount === 'number' ? body.amount : null;
