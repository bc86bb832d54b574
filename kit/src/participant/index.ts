export { callHandle, Participant, type ParticipantOptions, type Reader } from './participant.ts';

/** The journal and its `handle`: every participant applies this set first. */
export const journalMigrations = { name: 'journal', folder: new URL('./migrations/', import.meta.url) };

/**
 * Settings of the connections that run `handle`. Its statements look up keys, and their plans are cached: planned while a
 * table is empty they would scan it, and go on scanning while it grows.
 *
 * An index is scanned from end to end only for its order, and its order serves only `=`. So what is looked up in a table is
 * written `key = any (array[value])`, or as a LATERAL with LIMIT 1: then a probe by that key is the only plan there is.
 */
export const commandSettings = { enable_seqscan: 'off' };
