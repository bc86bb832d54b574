import type { ReactNode } from 'react';
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

/** Takes the place of what loads, in its size, so that nothing moves when it comes. */
export function Placeholder({ className }: { readonly className: string }) {
  const { t } = useLanguage();
  return (
    <div className={`placeholder ${className}`} role="status">
      <span className="hidden">{t.loading}</span>
    </div>
  );
}
