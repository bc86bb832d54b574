import type { Saga } from './definition.ts';
import type { Answer, CommandMessage, ReplyMessage, StartMessage } from './messages.ts';
import type { SagaTrace } from './saga-trace.ts';
import type { Ending, SagaState } from './transition.ts';

/** A saga in a driver's memory. */
export type Live = {
  readonly id: string;
  readonly saga: Saga;
  readonly row: Pick<
    StartMessage,
    'fan' | 'route' | 'key' | 'fingerprint' | 'input' | 'traceId' | 'traceparent'
  >;
  readonly epoch: number;
  state: SagaState;
  stored: boolean;
  /** What must not leave before the row is stored, what came back before it was, and who asked meanwhile. */
  held: CommandMessage[];
  early: ReplyMessage[];
  asked: StartMessage[];
  /** Who asked (by start id) and waits for the answer. */
  waiting: { to: string; startId: string }[];
  /** Its spans, where it is traced. */
  readonly trace: SagaTrace | undefined;
  answer?: Answer;
  /** How it ended, while that is still being written. */
  ended?: Ending['status'];
};

type Key = Pick<StartMessage, 'fan' | 'route' | 'key'>;

const textOf = ({ fan, route, key }: Key): string => `${fan}\n${route}\n${key}`;

/** The sagas a driver drives now, by id and by what makes two requests one. */
export class LiveSagas {
  readonly #byId = new Map<string, Live>();
  readonly #byKey = new Map<string, Live>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Live | undefined {
    return this.#byId.get(id);
  }

  /** The one that a start is about: the same start, or another of the same fan, route and key. */
  of(start: StartMessage): Live | undefined {
    return this.#byId.get(start.id) ?? this.#byKey.get(textOf(start));
  }

  ids(): string[] {
    return [...this.#byId.keys()];
  }

  values(): Iterable<Live> {
    return this.#byId.values();
  }

  remember(live: Live): void {
    this.#byId.set(live.id, live);
    this.#byKey.set(textOf(live.row), live);
  }

  /** Forgets this one; not one that took its place under a newer epoch. */
  forget(live: Live): void {
    if (this.#byId.get(live.id) === live) this.#byId.delete(live.id);
    const key = textOf(live.row);
    if (this.#byKey.get(key) === live) this.#byKey.delete(key);
  }
}
