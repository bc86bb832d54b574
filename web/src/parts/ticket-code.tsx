import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { encode } from 'uqr';
import { ticketQuery } from '../api/queries.ts';
import type { Fan } from '../api/session.ts';
import { useLanguage } from '../language.tsx';
import { Failure, Placeholder } from './notice.tsx';

type TicketCodeProps = { readonly fan: Fan; readonly reservationId: string };

/** What the door reads. */
export function TicketCode({ fan, reservationId }: TicketCodeProps) {
  const { t } = useLanguage();
  const { data, error, refetch } = useQuery(ticketQuery(fan.userId, reservationId));
  return (
    <div className="ticket-code">
      {data && <Code text={data.ticket} label={t.tickets.qr} />}
      {!data && error && <Failure error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Placeholder className="placeholder-code" />}
      <p className="soft">{t.tickets.qrText}</p>
    </div>
  );
}

type CodeProps = { readonly text: string; readonly label: string };

function Code({ text, label }: CodeProps) {
  // A screen is never torn: the lowest correction has the largest squares. Four squares around it are the standard's margin.
  const { data, size } = useMemo(() => encode(text, { ecc: 'L', border: 4 }), [text]);
  return (
    <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <path fill="currentColor" d={darkSquares(data)} />
    </svg>
  );
}

const darkSquares = (rows: readonly (readonly boolean[])[]): string =>
  rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
