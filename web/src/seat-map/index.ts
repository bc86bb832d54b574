export { SeatMap } from './seat-map.tsx';
export { SeatList } from './seat-list.tsx';
export { useAvailability } from './use-availability.ts';
export type { Availability, SeatMapProps } from './types.ts';
