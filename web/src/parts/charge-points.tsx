import { useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import type { Fan } from '../api/session.ts';
import type { Charge } from '../api/wire.ts';
import { useAnnounce } from '../announcer.tsx';
import { useAttempt } from '../attempts.ts';
import { useLanguage } from '../language.tsx';
import { Action } from './action.tsx';
import { Failure, Notice } from './notice.tsx';

type ChargePointsProps = {
  readonly fan: Fan;
  /** What a payment lacks. */
  readonly missing: number;
  readonly onCharged?: () => void;
};

const amountMax = 10_000_000;
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
  const amount =
    typed === null ? Math.min(missing || amountUsual, amountMax) : Number(typed.replaceAll(/\D/g, ''));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (amount >= 1 && amount <= amountMax) void charging.start('/points/charges', { amount });
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
          value={typed ?? String(amount)}
          maxLength={10}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      <Action
        type="submit"
        busy={charging.isBusy && t.checkout.charging}
        isDisabled={amount < 1 || amount > amountMax}
      >
        {amount > 0 && amount === missing ? t.checkout.chargeMissing(t.points(missing)) : t.checkout.charge}
      </Action>
    </form>
  );
}
