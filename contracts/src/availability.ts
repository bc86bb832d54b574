/**
 * What is left of a performance as bytes: two bits a seat, in the order of the seat map, the first seat in the lowest bits.
 * Seat `i` is `(bytes[i >> 2] >> (2 * (i & 3))) & 3`. What is left over in the last byte is 3.
 */
export const seatCodes = { available: 0, reserved: 1, paid: 2, notForSale: 3 } as const;

const seatsPerByte = 4;
const untold = 0xff;

/** `codes` is a text of a digit for each seat. */
export function packSeats(codes: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(codes.length / seatsPerByte)).fill(untold);
  for (let seat = 0; seat < codes.length; seat++) {
    const at = seat >> 2;
    const shift = 2 * (seat & 3);
    bytes[at] = ((bytes[at] ?? 0) & ~(3 << shift)) | ((codes.charCodeAt(seat) & 3) << shift);
  }
  return bytes;
}

export const seatCodeAt = (bytes: Uint8Array, seat: number): number =>
  ((bytes[seat >> 2] ?? untold) >> (2 * (seat & 3))) & 3;

/** A seat's place in the map, and what it has become. */
export type SeatChange = readonly [index: number, code: number];

/** What has to be told to someone who knows `before`, in order. Equal bytes are four seats that need no look. */
export function seatChanges(before: Uint8Array, now: Uint8Array): SeatChange[] {
  const changes: SeatChange[] = [];
  const bytes = Math.max(before.length, now.length);
  for (let at = 0; at < bytes; at++) {
    if (before[at] === now[at]) continue;
    for (let seat = at * seatsPerByte; seat < (at + 1) * seatsPerByte; seat++) {
      const code = seatCodeAt(now, seat);
      if (code !== seatCodeAt(before, seat)) changes.push([seat, code]);
    }
  }
  return changes;
}
