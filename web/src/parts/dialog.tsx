import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';
import { useLanguage } from '../language.tsx';

type DialogProps = {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly className?: string;
  /** Something in it is under way: it stays until that has ended. */
  readonly isBusy?: boolean;
};

/** The browser's own dialog: it keeps the focus inside, closes with Escape and gives the focus back. */
export function Dialog({ title, onClose, children, className = '', isBusy = false }: DialogProps) {
  const { t } = useLanguage();
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const close = () => {
    if (!isBusy) onClose();
  };
  // Before the element is taken out of the page: only then does closing it give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element?.open) element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={`dialog ${className}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClose={({ currentTarget }) => {
        if (currentTarget.open) return;
        // The browser lets nobody hold back a second Escape.
        if (isBusy) currentTarget.showModal();
        else onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <button
          type="button"
          className="dialog-close"
          aria-label={t.close}
          aria-disabled={isBusy}
          onClick={close}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 3 13 13M13 3 3 13" />
          </svg>
        </button>
      </div>
      {children}
    </dialog>
  );
}
