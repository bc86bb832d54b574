import { SeatList } from './seat-list.tsx';
import type { SeatMapProps } from './types.ts';

/** Stands in until the canvas is there. */
export const SeatMap = (props: SeatMapProps) => <SeatList {...props} />;
