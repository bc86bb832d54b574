import type { ReactNode } from 'react';
import type { Phase } from '../api/attempt.ts';
import { Refusal, Unreachable } from '../api/refusal.ts';
import { useLanguage } from '../language.tsx';
import type { Messages } from '../messages/index.ts';
import type { Said } from '../messages/said.ts';

/** What happened and what to do, in the fan's language. */
export function saidOf(error: unknown, t: Messages): Said {
  if (error instanceof Refusal) return t.refusals[error.code] ?? t.refusals.internal_error;
  if (error instanceof Unreachable) return t.unreachable;
  return t.refusals.internal_error;
}

/** Why a wish takes longer than usual; null as long as it does not. Only who cannot be reached is said to be out of reach. */
export function saidWhile(phase: Phase | 'idle', t: Messages): Said | null {
  if (phase === 'waiting') return t.unreachable;
  if (phase === 'repeating') return t.refusals.outcome_unknown;
  return phase === 'following' ? t.refusals.idempotency_in_flight : null;
}

type NoticeProps = {
  readonly tone?: 'plain' | 'wrong' | 'good' | 'warn';
  readonly what: string;
  readonly todo?: string | undefined;
  readonly children?: ReactNode;
  /** Read out at once when it appears. */
  readonly isAlert?: boolean;
};

export function Notice({ tone = 'plain', what, todo, children, isAlert = false }: NoticeProps) {
  return (
    <div className={`notice notice-${tone}`} role={isAlert ? 'alert' : undefined}>
      <div>
        <p className="notice-what">{what}</p>
        {todo !== undefined && <p>{todo}</p>}
      </div>
      {children}
    </div>
  );
}

type FailureProps = {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
  readonly children?: ReactNode;
};

export function Failure({ error, onRetry, children }: FailureProps) {
  const { t } = useLanguage();
  const [what, todo] = saidOf(error, t);
  return (
    <Notice tone="wrong" what={what} todo={todo} isAlert>
      {children}
      {onRetry && (
        <button type="button" className="button button-quiet" onClick={onRetry}>
          {t.retry}
        </button>
      )}
    </Notice>
  );
}

/** Comes and goes in a region that is always there: one that comes together with its words is often not read out. */
export function Meanwhile({ phase }: { readonly phase: Phase | 'idle' }) {
  const { t } = useLanguage();
  const said = saidWhile(phase, t);
  return <div role="status">{said && <Notice tone="warn" what={said[0]} todo={said[1]} />}</div>;
}

/** Takes the place of what loads, in its size, so that nothing moves when it comes. */
export function Placeholder({ className }: { readonly className: string }) {
  const { t } = useLanguage();
  return (
    <div className={`placeholder ${className}`} role="status">
      <span className="hidden">{t.loading}</span>
    </div>
  );
}
