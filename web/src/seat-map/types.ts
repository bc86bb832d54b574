import type { SeatLayout } from './layout.ts';
import type { Language } from '../messages/index.ts';

/** What is known of every seat now: its state by its index in the map. A change makes a new one. */
export type Availability = {
  readonly version: number;
  readonly sequence: number;
  /** 0 available, 1 reserved, 2 paid, 3 not for sale; by the map's order, perhaps a few more at the end. */
  readonly states: Uint8Array;
  /** `stale` while neither stream nor poll gets through. */
  readonly freshness: 'live' | 'polled' | 'stale';
};

export type SeatMapProps = {
  readonly performanceId: string;
  readonly layout: SeatLayout;
  readonly availability: Availability | undefined;
  /** Seat ids, in the order they were chosen. */
  readonly selected: readonly string[];
  readonly onToggle: (seatId: string) => void;
  readonly maxSelected: number;
  readonly language: Language;
  /** While the selected seats are being reserved: that they are no longer free is then no loss. */
  readonly isReserving?: boolean;
  /** Seats that the fan had chosen and another fan took, where they are not among the selected any more: the map marks them. */
  readonly lost?: readonly string[];
  /** How the map's first tab stop gets to the list where the two are not on the page together. */
  readonly onShowList?: () => void;
};
