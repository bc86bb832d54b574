export { ensureSeason, markLoaded } from './first-season.ts';
export { loadSeason } from './season-store.ts';
export { readSeason, SeasonFault, type Season } from './season.ts';
