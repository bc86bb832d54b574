export { callHandle, Participant, type ParticipantOptions, type Reader } from './participant.ts';

/** The journal and its `handle`: every participant applies this set first. */
export const journalMigrations = { name: 'journal', folder: new URL('./migrations/', import.meta.url) };

/**
 * Settings of the connections that run `handle`. Its statements look up keys, and their plans are cached: planned while a
 * table is empty they would scan it, and go on scanning while it grows.
 *
 * Without sequential and index-only scans a table is read from end to end only for an index's order, and order serves only
 * `=`. So what is looked up is written `key = any (array[value])`, or as a LATERAL with LIMIT 1, and a key that is looked up
 * by itself stands in no other index: then a probe of that key's index is the only plan there is. Planned once, too: for
 * every small batch anew, planning would cost more than the batch.
 */
export const commandSettings = {
  enable_seqscan: 'off',
  enable_indexonlyscan: 'off',
  plan_cache_mode: 'force_generic_plan',
};
