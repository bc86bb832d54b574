import type { Geometry } from './geometry.ts';
import type { Messages } from './messages.ts';
import { SeatMark } from './seat-mark.tsx';

type Props = { readonly geometry: Geometry; readonly messages: Messages; readonly hasLost: boolean };

export function Legend({ geometry, messages, hasLost }: Props) {
  return (
    <ul className="seat-map-legend" aria-label={messages.legend}>
      {geometry.grades.map(({ name, priceMin, priceMax }, grade) => (
        <li key={name}>
          <SeatMark look="free" grade={grade} />
          <span>
            <b>{name}</b>{' '}
            {priceMin === priceMax
              ? messages.price(priceMin)
              : `${messages.price(priceMin)}–${messages.price(priceMax)}`}
          </span>
        </li>
      ))}
      <li>
        <SeatMark look="chosen" />
        {messages.chosen}
      </li>
      <li>
        <SeatMark look="held" />
        {messages.state.reserved}
      </li>
      <li>
        <SeatMark look="sold" />
        {messages.state.paid}
      </li>
      {hasLost ? (
        <li>
          <SeatMark look="lost" />
          {messages.lost}
        </li>
      ) : null}
    </ul>
  );
}
