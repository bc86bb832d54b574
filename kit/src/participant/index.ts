export { callHandle, Participant, type ParticipantOptions, type Reader } from './participant.ts';

/** The journal and its `handle`: every participant applies this set first. */
export const journalMigrations = { name: 'journal', folder: new URL('./migrations/', import.meta.url) };

/**
 * Settings of the connections that run `handle`. Its statements look up keys, and their plans are cached: planned while a
 * table is empty they would scan it, and go on scanning while it grows.
 */
export const commandSettings = { enable_seqscan: 'off', enable_hashjoin: 'off', enable_mergejoin: 'off' };
