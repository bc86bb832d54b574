import { useQueryClient } from '@tanstack/react-query';
import type { Fan } from '../api/session.ts';
import type { Cancellation, Reservation } from '../api/wire.ts';
import { useAnnounce } from '../announcer.tsx';
import { useAttempt } from '../attempts.ts';
import { useLanguage } from '../language.tsx';
import { Action } from './action.tsx';
import { Dialog } from './dialog.tsx';
import { Failure, Meanwhile, Notice } from './notice.tsx';

type CancelDialogProps = {
  readonly fan: Fan;
  readonly reservation: Reservation;
  readonly onClose: () => void;
};

/**
 * Says what comes back before it is done, and does it when it is told to: opening it again does not go on with what was asked for
 * before, say in a page that was reloaded in the middle. Asked for once more it goes on with the same key.
 */
export function CancelDialog({ fan, reservation, onClose }: CancelDialogProps) {
  const { reservationId, status, amount } = reservation;
  const { t } = useLanguage();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const cancelling = useAttempt<Cancellation>(`cancel:${reservationId}`, {
    onDone: ({ body }) => {
      const { returned, ...now } = body;
      queries.setQueryData(['fan', fan.userId, 'reservation', reservationId], now);
      void queries.invalidateQueries({ queryKey: ['fan', fan.userId] });
      announce(returned > 0 ? t.tickets.cancelled(t.points(returned)) : t.tickets.cancelledFree);
      onClose();
    },
    waitsForStart: true,
    onRefused: () => void queries.invalidateQueries({ queryKey: ['fan', fan.userId] }),
  });
  return (
    <Dialog
      title={t.tickets.cancelTitle}
      onClose={onClose}
      className="dialog-narrow"
      isBusy={cancelling.isBusy}
    >
      <p>{status === 'paid' ? t.tickets.cancelPaid(t.points(amount)) : t.tickets.cancelUnpaid}</p>
      {cancelling.open && !cancelling.isBusy && <Notice tone="warn" what={t.tickets.cancelOpen} />}
      {cancelling.error !== null && <Failure error={cancelling.error} />}
      <Meanwhile phase={cancelling.phase} />
      <div className="dialog-acts">
        <Action
          tone="danger"
          onAct={() => void cancelling.start(`/reservations/${reservationId}/cancellation`, {})}
          busy={cancelling.isBusy && t.tickets.cancelling}
        >
          {t.tickets.cancelDo}
        </Action>
        <Action tone="quiet" onAct={onClose} isDisabled={cancelling.isBusy}>
          {t.tickets.cancelKeep}
        </Action>
      </div>
    </Dialog>
  );
}
