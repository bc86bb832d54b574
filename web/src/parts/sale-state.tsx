import type { Concert, Performance } from '../api/wire.ts';
import { useLanguage } from '../language.tsx';
import { shownSale } from '../shown-sale.ts';

type SaleStateProps = {
  readonly concert: Concert;
  /** The dates that can be booked, where they are known. */
  readonly performances?: readonly Performance[] | undefined;
};

export function SaleState({ concert: { saleState, onSaleAt }, performances }: SaleStateProps) {
  const { t, format } = useLanguage();
  const state = shownSale(saleState, performances);
  return (
    <p className={`sale sale-${state}`}>
      {state === 'scheduled' ? t.sale.opensAt(format.dateTime(onSaleAt)) : t.sale[state]}
    </p>
  );
}
