import type { Box } from './geometry.ts';

// Seats by where they are: cells of a few metres, in two flat arrays. Finds those in a box and the one next to a finger.

const cellMetres = 2.5;

export class SeatGrid {
  private readonly x: Float32Array;
  private readonly y: Float32Array;
  private readonly box: Box;
  private readonly columns: number;
  private readonly lines: number;
  /** Seats in the order of their cells; those of cell c stand from starts[c] up to starts[c + 1]. */
  private readonly seats: Uint32Array;
  private readonly starts: Uint32Array;

  constructor(x: Float32Array, y: Float32Array, box: Box) {
    this.x = x;
    this.y = y;
    this.box = box;
    this.columns = Math.floor((box.right - box.left) / cellMetres) + 1;
    this.lines = Math.floor((box.bottom - box.top) / cellMetres) + 1;
    this.starts = new Uint32Array(this.columns * this.lines + 1);
    this.seats = new Uint32Array(x.length);
    this.sort();
  }

  private sort(): void {
    const { x, starts, seats } = this;
    for (let seat = 0; seat < x.length; seat++) {
      const after = this.cellOf(seat) + 1;
      starts[after] = (starts[after] ?? 0) + 1;
    }
    for (let cell = 1; cell < starts.length; cell++) {
      starts[cell] = (starts[cell] ?? 0) + (starts[cell - 1] ?? 0);
    }
    const next = starts.slice();
    for (let seat = 0; seat < x.length; seat++) {
      const cell = this.cellOf(seat);
      const place = next[cell] ?? 0;
      seats[place] = seat;
      next[cell] = place + 1;
    }
  }

  private cellOf(seat: number): number {
    return this.lineOf(this.y[seat] ?? 0) * this.columns + this.columnOf(this.x[seat] ?? 0);
  }

  private columnOf(x: number): number {
    return limit(Math.floor((x - this.box.left) / cellMetres), this.columns - 1);
  }

  private lineOf(y: number): number {
    return limit(Math.floor((y - this.box.top) / cellMetres), this.lines - 1);
  }

  /** Every seat whose middle lies in the box; the order is that of the cells. */
  within(box: Box, visit: (seat: number) => void): void {
    const { x, y, seats, starts } = this;
    const [columnFirst, columnLast] = [this.columnOf(box.left), this.columnOf(box.right)];
    for (let line = this.lineOf(box.top); line <= this.lineOf(box.bottom); line++) {
      const cell = line * this.columns;
      const end = starts[cell + columnLast + 1] ?? 0;
      for (let at = starts[cell + columnFirst] ?? 0; at < end; at++) {
        const seat = seats[at] ?? 0;
        const [seatX, seatY] = [x[seat] ?? 0, y[seat] ?? 0];
        if (seatX >= box.left && seatX <= box.right && seatY >= box.top && seatY <= box.bottom) visit(seat);
      }
    }
  }

  /** The seat next to a place, not further than `radius` metres, among those that are wanted. */
  nearest(x: number, y: number, radius: number, wanted: (seat: number) => boolean): number | undefined {
    let [found, distance]: [number | undefined, number] = [undefined, radius];
    this.within({ left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }, (seat) => {
      const away = Math.hypot((this.x[seat] ?? 0) - x, (this.y[seat] ?? 0) - y);
      if (away > distance || !wanted(seat)) return;
      found = seat;
      distance = away;
    });
    return found;
  }
}

const limit = (value: number, max: number): number => Math.min(Math.max(value, 0), max);
