import type { SeatMapLayout } from './api/wire.ts';
import type { Messages } from './messages/index.ts';
import { seatLabel } from './seat-label.ts';

export type KnownSeat = {
  readonly seatId: string;
  readonly label: string;
  readonly grade: string;
  readonly price: number;
  /** Its place in the order of the map. */
  readonly at: number;
};

/** The seats of a hall by their ids. */
export class SeatIndex {
  readonly #seats = new Map<string, KnownSeat>();

  constructor({ sections }: SeatMapLayout) {
    let at = 0;
    for (const { grade, price, seats } of sections)
      for (const { seatId, label } of seats)
        this.#seats.set(seatId, { seatId, label, grade, price, at: at++ });
  }

  get(seatId: string): KnownSeat | undefined {
    return this.#seats.get(seatId);
  }

  known(seatIds: readonly string[]): KnownSeat[] {
    return seatIds.flatMap((id) => this.#seats.get(id) ?? []);
  }

  isFree(seatId: string, states: Uint8Array): boolean {
    const seat = this.#seats.get(seatId);
    return seat !== undefined && states[seat.at] === 0;
  }

  labels(seatIds: readonly string[], t: Messages): string {
    return this.known(seatIds)
      .map(({ label }) => seatLabel(label, t))
      .join(', ');
  }

  amount(seatIds: readonly string[]): number {
    return this.known(seatIds).reduce((sum, { price }) => sum + price, 0);
  }
}
