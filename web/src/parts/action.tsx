import type { ReactNode } from 'react';

type ActionProps = {
  readonly children: ReactNode;
  readonly onAct?: () => void;
  readonly type?: 'button' | 'submit';
  readonly tone?: 'main' | 'quiet' | 'danger';
  /** What it says while it works; it keeps its width and the focus, and does nothing meanwhile. */
  readonly busy?: string | false;
  readonly isDisabled?: boolean;
};

export function Action({
  children,
  onAct,
  type = 'button',
  tone = 'main',
  busy = false,
  isDisabled = false,
}: ActionProps) {
  const isBusy = busy !== false;
  return (
    <button
      type={type}
      className={`button button-${tone}`}
      aria-disabled={isBusy || isDisabled}
      data-busy={isBusy || undefined}
      onClick={(event) => {
        if (isBusy || isDisabled) event.preventDefault();
        else onAct?.();
      }}
    >
      {isBusy ? busy : children}
    </button>
  );
}
