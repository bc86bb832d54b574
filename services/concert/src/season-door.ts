export { loadSeason } from './season-store.ts';
export { readSeason, SeasonFault, type Season } from './season.ts';
