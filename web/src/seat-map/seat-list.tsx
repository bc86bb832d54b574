import type { SeatMapProps } from './types.ts';

/** Stands in until the list is there. */
export function SeatList({ layout, availability, selected, onToggle, maxSelected }: SeatMapProps) {
  let index = 0;
  return (
    <div>
      {layout.sections.map((section) => (
        <fieldset key={section.name}>
          <legend>{`${section.name} · ${section.grade}`}</legend>
          {section.seats.map((seat) => {
            const isFree = availability?.states[index++] === 0;
            const isChosen = selected.includes(seat.seatId);
            return (
              <label key={seat.seatId}>
                <input
                  type="checkbox"
                  checked={isChosen}
                  disabled={!isChosen && (!isFree || selected.length >= maxSelected)}
                  onChange={() => onToggle(seat.seatId)}
                />
                {seat.label}
              </label>
            );
          })}
        </fieldset>
      ))}
    </div>
  );
}
