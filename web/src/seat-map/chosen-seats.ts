import { useMemo } from 'react';
import type { Geometry } from './geometry.ts';
import { isFree } from './seat-state.ts';
import type { Availability, SeatMapProps } from './types.ts';

// What has become of the seats that the fan chose.

export type Chosen = {
  /** Indexes in the map; ids that it does not know are left out. */
  readonly kept: readonly number[];
  readonly lost: readonly number[];
};

type Asked = Pick<SeatMapProps, 'selected' | 'availability' | 'isReserving' | 'lost'>;

/** While they are being reserved for this very fan, seats that are no longer free are no loss. */
export function chosenSeats(
  geometry: Geometry,
  { selected, availability, isReserving, lost = [] }: Asked,
): Chosen {
  const indexesOf = (ids: readonly string[]): number[] => ids.flatMap((id) => geometry.indexOf.get(id) ?? []);
  const seats = indexesOf(selected);
  const states = statesFor(geometry, availability);
  const isLost = (seat: number): boolean =>
    isReserving !== true && states !== undefined && !isFree(states[seat]);
  return {
    kept: seats.filter((seat) => !isLost(seat)),
    lost: [...new Set([...seats.filter(isLost), ...indexesOf(lost)])],
  };
}

/** Indexes mean nothing in another version of the map. */
export const statesFor = (
  geometry: Geometry,
  availability: Availability | undefined,
): Uint8Array | undefined => (availability?.version === geometry.version ? availability.states : undefined);

/** The same for as long as nothing that it follows from has changed. */
export function useChosenSeats(geometry: Geometry, props: SeatMapProps): Chosen {
  const { selected, availability, isReserving = false, lost } = props;
  return useMemo(
    () => chosenSeats(geometry, { selected, availability, isReserving, ...(lost && { lost }) }),
    [geometry, selected, availability, isReserving, lost],
  );
}
