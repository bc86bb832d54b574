// What availability says of a seat. The numbers are the API's: two bits of a byte, and the second half of a change.

export const seatStates = ['available', 'reserved', 'paid', 'not_for_sale'] as const;
export type SeatState = (typeof seatStates)[number];

export const isFree = (state: number | undefined): boolean => state === 0;

const seatsPerByte = 4;

/** Two bits a seat, the first seat in the lowest bits. The last byte may be longer than the map; those seats nobody draws. */
export function unpackStates(bytes: Uint8Array): Uint8Array {
  const states = new Uint8Array(bytes.length * seatsPerByte);
  for (const [at, byte] of bytes.entries()) {
    for (let seat = 0; seat < seatsPerByte; seat++)
      states[at * seatsPerByte + seat] = (byte >> (seat * 2)) & 3;
  }
  return states;
}

/** The seats whose state is another than before; what only one of the two knows is no difference. */
export function differences(before: Uint8Array, after: Uint8Array): number[] {
  const found: number[] = [];
  const end = Math.min(before.length, after.length);
  for (let seat = 0; seat < end; seat++) if (before[seat] !== after[seat]) found.push(seat);
  return found;
}
