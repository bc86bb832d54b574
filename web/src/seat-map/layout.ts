// The seat map as the API answers it: GET /performances/{id}/seat-map. A seat's place in this order is its index, which is
// what availability speaks of.

export type LayoutSeat = {
  readonly seatId: string;
  readonly label: string;
  readonly row: string;
  readonly number: number;
  /** Metres from the middle of the stage's front edge: x to the right of who looks at the stage's plan, y away from it. */
  readonly x: number;
  readonly y: number;
};

export type LayoutSection = {
  readonly name: string;
  readonly grade: string;
  readonly price: number;
  readonly seats: readonly LayoutSeat[];
};

export type SeatLayout = { readonly version: number; readonly sections: readonly LayoutSection[] };
