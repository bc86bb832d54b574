import type { Concert } from '../api/wire.ts';
import { useLanguage } from '../language.tsx';

type SaleStateProps = { readonly concert: Concert; readonly isSoldOut?: boolean };

export function SaleState({ concert: { saleState, onSaleAt }, isSoldOut = false }: SaleStateProps) {
  const { t, format } = useLanguage();
  const state = isSoldOut && saleState === 'open' ? 'soldOut' : saleState;
  return (
    <p className={`sale sale-${state}`}>
      {state === 'scheduled' ? t.sale.opensAt(format.dateTime(onSaleAt)) : t.sale[state]}
    </p>
  );
}
