import { unpackStates } from './seat-state.ts';
import type { Availability } from './types.ts';

// What a message of the stream makes of what is known. Pure: the feed asks, and does what the answer says.

export type Known = Pick<Availability, 'version' | 'sequence' | 'states'>;

/** One message: the changes that lead from the message before it to `sequence`. Numbers may be left out in between. */
export type Message = {
  readonly sequence: number;
  readonly version: number;
  readonly changes: readonly (readonly [index: number, state: number])[];
};

export type Effect =
  | { readonly kind: 'known'; readonly known: Known }
  | { readonly kind: 'old' }
  | { readonly kind: 'gap' };

/** Old news changes nothing; another map, or a seat that there is not, means that everything has to be asked for again. */
export function apply(known: Known, message: Message): Effect {
  if (message.version < known.version) return { kind: 'old' };
  if (message.version > known.version) return { kind: 'gap' };
  if (message.sequence <= known.sequence) return { kind: 'old' };
  const states = known.states.slice();
  for (const [index, state] of message.changes) {
    if (index < 0 || index >= states.length) return { kind: 'gap' };
    states[index] = state;
  }
  return { kind: 'known', known: { version: known.version, sequence: message.sequence, states } };
}

/** A message as it came over the wire; undefined when it is not one. */
export function readMessage(id: string, data: string): Message | undefined {
  const told = objectIn(data);
  if (!told) return undefined;
  const { version, changes } = told;
  const sequence = id === '' ? Number.NaN : Number(id);
  if (typeof version !== 'number' || !Number.isSafeInteger(sequence) || !isChanges(changes)) return undefined;
  return { sequence, version, changes };
}

/** What a reset says: everything, the states as the bytes in base64. */
export function readAll(data: string): Known | undefined {
  const { version, sequence, seats } = objectIn(data) ?? {};
  if (typeof version !== 'number' || typeof sequence !== 'number' || typeof seats !== 'string')
    return undefined;
  try {
    const bytes = Uint8Array.from(atob(seats), (character) => character.charCodeAt(0));
    return { version, sequence, states: unpackStates(bytes) };
  } catch {
    return undefined;
  }
}

function objectIn(data: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const told: unknown = JSON.parse(data);
    return typeof told === 'object' && told !== null ? { ...told } : undefined;
  } catch {
    return undefined;
  }
}

const isChanges = (told: unknown): told is [number, number][] =>
  Array.isArray(told) &&
  told.every(
    (one: unknown) => Array.isArray(one) && Number.isInteger(one[0]) && [0, 1, 2, 3].includes(Number(one[1])),
  );
