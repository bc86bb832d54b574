/** Two bits a seat, the first seat in the lowest bits; `codes` is a text of a digit for each seat. */
export function packSeats(codes: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(codes.length / 4)).fill(0xff);
  for (let seat = 0; seat < codes.length; seat++) {
    const at = seat >> 2;
    const shift = 2 * (seat & 3);
    bytes[at] = ((bytes[at] ?? 0) & ~(3 << shift)) | ((codes.charCodeAt(seat) & 3) << shift);
  }
  return bytes;
}
