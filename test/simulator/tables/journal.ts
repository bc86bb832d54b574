import { timedOut, type Direction, type Outcome } from '@tutti/kit/saga';
import pg from 'pg';

/** A row of kit/src/participant/migrations/001_journal.sql. */
export type JournalRow = {
  readonly saga: string;
  readonly step: string;
  readonly direction: 'do' | 'undo';
  readonly outcome: Outcome;
};

export type Body = Readonly<Record<string, unknown>>;

export type Command = {
  readonly ord: number;
  readonly saga: string;
  readonly step: string;
  readonly direction: Direction;
  readonly type: string;
  readonly body: Body;
};

/** What a service adds to the journal. Nothing is locked here: one statement is one moment. */
export type Rules = {
  readonly lockRows: (commands: readonly Command[]) => void;
  /** Outcomes by `ord`. What it throws has changed nothing. */
  readonly decide: (commands: readonly Command[]) => ReadonlyMap<number, Outcome>;
};

export const ok = (value: object = {}): Outcome => ({ ok: value });
export const refused = (code: string, data: object = {}): Outcome => ({ refused: { code, data } });

/** As PostgreSQL tells of it. */
export function sqlError(state: string, message: string): Error {
  const error = new pg.DatabaseError(message, message.length, 'error');
  error.code = state;
  return error;
}

/** The journal's `handle`, as TypeScript: `models.test.ts` plays the same batches into both. */
export class Journal {
  readonly rows = new Map<string, JournalRow>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  of(saga: string, step: string, direction: 'do' | 'undo'): Outcome | undefined {
    return this.rows.get(`${saga} ${step} ${direction}`)?.outcome;
  }

  handle(commands: readonly Command[]): Outcome[] {
    this.#rules.lockRows(commands);
    const looked = commands.map((command) => {
      const isUndo = command.direction === 'undo';
      const known = this.of(command.saga, command.step, isUndo ? 'undo' : 'do');
      const act = isUndo ? this.of(command.saga, command.step, 'do') : undefined;
      return { command, known, act, did: act !== undefined && 'ok' in act };
    });
    const fresh = looked.filter(
      ({ command: { direction }, known, did }) =>
        known === undefined && (direction === 'do' || (direction === 'undo' && did)),
    );
    const decided = this.#rules.decide(fresh.map(({ command }) => command));
    const outcomes = looked.map(
      ({ command, known, did }) => known ?? decided.get(command.ord) ?? withoutDeciding(command, did),
    );
    for (const [at, { command, known, act }] of looked.entries()) {
      const outcome = outcomes[at];
      if (known !== undefined || !outcome) continue;
      const { saga, step, direction } = command;
      this.#write({ saga, step, direction: direction === 'undo' ? 'undo' : 'do', outcome });
      // An undo that met no action leaves the action's key behind, so that a late action does nothing.
      if (direction === 'undo' && act === undefined)
        this.#write({ saga, step, direction: 'do', outcome: { refused: timedOut } });
    }
    return outcomes;
  }

  #write(row: JournalRow): void {
    const key = `${row.saga} ${row.step} ${row.direction}`;
    if (this.rows.has(key)) throw new Error(`The journal has ${key} already: a wave holds one of each.`);
    this.rows.set(key, row);
  }
}

function withoutDeciding({ type, direction }: Command, did: boolean): Outcome {
  if (direction === 'settle') return { refused: timedOut };
  if (direction === 'undo' && !did) return ok();
  throw sqlError('23502', `There is no outcome for ${type}.`);
}

export const textOf = (body: Body, name: string): string => {
  const value = body[name];
  if (typeof value !== 'string') throw new Error(`${name} is not a text.`);
  return value;
};

export const numberOf = (body: Body, name: string): number => {
  const value = body[name];
  if (typeof value !== 'number') throw new Error(`${name} is not a number.`);
  return value;
};
