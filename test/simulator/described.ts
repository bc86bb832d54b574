import { shortId } from './chance.ts';

type Message = {
  readonly type?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly saga?: string;
  readonly id?: string;
  readonly step?: string;
  readonly direction?: string;
  readonly outcome?: { readonly ok?: unknown; readonly refused?: { readonly code: string } };
  readonly answer?: { readonly status: number };
};

/** A message in a few words, for the trace. */
export function described(text: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any message of the saga kit
  const message = JSON.parse(text) as Message;
  const { type, kind, name, saga, id, step, direction, outcome, answer } = message;
  const about = shortId(saga ?? id ?? '');
  if (type !== undefined) return `${direction} ${type} ${about}`;
  if (outcome) return `${direction} ${step} ${about} is ${outcome.refused?.code ?? 'ok'}`;
  if (kind !== undefined) return `${kind} ${about}${answer ? ` ${answer.status}` : ''}`;
  return `start ${name} ${about}`;
}
