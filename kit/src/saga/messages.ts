import { queue, type Queue } from '../messaging/index.ts';
import type { Direction, Outcome } from './transition.ts';

/** What a participant is asked. `replyTo` names the queue of the driver that owns the saga. */
export type CommandMessage = {
  readonly type: string;
  readonly saga: string;
  readonly step: string;
  readonly direction: Direction;
  readonly body: unknown;
  readonly replyTo: string;
  readonly traceId: string;
  /** W3C: the span that asks. Here as in every other message: only where something is traced. */
  readonly traceparent?: string;
};

export type ReplyMessage = {
  readonly saga: string;
  readonly step: string;
  readonly direction: Direction;
  readonly outcome: Outcome;
  /** The span of the try that this is the outcome of. */
  readonly traceparent?: string;
};

/** Asks for a saga. `id` is random and new for every request; (fan, route, key) is what makes two requests one. */
export type StartMessage = {
  readonly id: string;
  readonly name: string;
  readonly fan: string;
  readonly route: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly input: object;
  readonly traceId: string;
  readonly traceparent?: string;
  /** When this try was sent, and when its sender gives up: starting later would be work for nobody. Both by the sender's own clock. */
  readonly sentAt: number;
  readonly notAfter: number;
  readonly replyTo: string;
  /** The sender will not wait for the answer and wants to know as soon as the saga is stored. */
  readonly tellStored: boolean;
};

/**
 * The bytes a fan gets: an HTTP status and a body, the same whoever computes them. One with `isKept: false` is not stored under
 * the key: what was asked for had no effect, and the same request may be made again.
 */
export type Answer = { readonly status: number; readonly body: string; readonly isKept?: false };

/** What the sender of a start is told; `id` is the start's, `operation` the saga that answers it. */
export type AnswerMessage = {
  readonly id: string;
  readonly operation: string;
  readonly traceparent?: string;
} & (
  | { readonly kind: 'stored' }
  | { readonly kind: 'answer'; readonly answer: Answer; readonly replayed: boolean }
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'key_reused' }
  | { readonly kind: 'overloaded' }
);

export const startQueue: Queue<StartMessage> = queue('sagas.start');
export const replyQueue = (owner: string): Queue<ReplyMessage> => queue(`sagas.replies.${owner}`);
export const answerQueue = (name: string): Queue<AnswerMessage> => queue(name);

/** `room.do-it` is obeyed by whoever consumes `room.commands`. */
export const commandQueue = (service: string): Queue<CommandMessage> => queue(`${service}.commands`);
export const serviceOf = (command: string): string => command.slice(0, command.indexOf('.'));

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const subject = /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
/** PostgreSQL keeps no NUL in a text. */
const isText = (value: unknown): boolean => typeof value === 'string' && !value.includes('\0');
const isMatch = (pattern: RegExp, value: unknown): boolean =>
  typeof value === 'string' && pattern.test(value);
const isDirection = (value: unknown): boolean => value === 'do' || value === 'undo' || value === 'settle';

// Whoever may send to a queue may send anything, and one row that the database refuses fails all of its batch: what comes has
// to have the shape before it is put beside others. What its input or body says is for those who know the saga or the command.
// Field by field, because every message of every saga passes here.

export const isStart = (message: unknown): message is StartMessage =>
  isRecord(message) &&
  isMatch(uuid, message['id']) &&
  isMatch(subject, message['replyTo']) &&
  isRecord(message['input']) &&
  isText(message['name']) &&
  isText(message['fan']) &&
  isText(message['route']) &&
  isText(message['key']) &&
  isText(message['fingerprint']) &&
  isText(message['traceId']) &&
  Number.isFinite(message['sentAt']) &&
  Number.isFinite(message['notAfter']);

export const isCommand = (message: unknown): message is CommandMessage =>
  isRecord(message) &&
  isMatch(uuid, message['saga']) &&
  isMatch(subject, message['replyTo']) &&
  isText(message['type']) &&
  isText(message['step']) &&
  isDirection(message['direction']);
