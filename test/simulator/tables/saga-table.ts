import type { OpenRow, Refusal, RowWrite } from '@tutti/kit/saga';

/** A row of kit/src/saga/migrations/001_saga.sql. */
export type SagaTableRow = {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly fan: string;
  readonly route: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly input: object;
  readonly traceId: string;
  status: 'running' | 'compensating' | 'succeeded' | 'failed';
  reason: Refusal | null;
  owner: string;
  epoch: number;
  readonly deadlineAt: number;
  endedAt: number | null;
  answerStatus: number | null;
  answer: string | null;
};

export type NewSaga = Pick<
  SagaTableRow,
  'id' | 'name' | 'version' | 'fan' | 'route' | 'key' | 'fingerprint' | 'input' | 'traceId'
> & { readonly deadlineMs: number };

type Definition = { readonly name: string; readonly version: number };
type TakeOver = {
  readonly owner: string;
  readonly definitions: readonly Definition[];
  readonly which: string;
  readonly most: number;
  readonly known: readonly string[] | null;
};

const keyOf = ({ fan, route, key }: Pick<SagaTableRow, 'fan' | 'route' | 'key'>): string =>
  `${fan}\n${route}\n${key}`;

/** The tables and statements of kit/src/saga/store.ts, as TypeScript. */
export class SagaTable {
  readonly rows = new Map<string, SagaTableRow>();
  readonly leases = new Map<string, number>();
  readonly #byKey = new Map<string, SagaTableRow>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  isOpen({ status }: SagaTableRow): boolean {
    return status === 'running' || status === 'compensating';
  }

  /** Stores what is new; of the others, what is there already. */
  start(asked: readonly NewSaga[], owner: string): { id: string; existing: object }[] {
    return asked.flatMap((one) => {
      const met = this.#byKey.get(keyOf(one));
      if (!met) {
        this.#insert(one, owner);
        return [];
      }
      const { id, fingerprint, status, answerStatus, answer } = met;
      return [{ id: one.id, existing: { id, fingerprint, status, answerStatus, answer } }];
    });
  }

  #insert({ deadlineMs, ...asked }: NewSaga, owner: string): void {
    if (this.rows.has(asked.id)) throw new Error(`There is a saga ${asked.id} of another key.`);
    const open = { status: 'running', reason: null, epoch: 1, endedAt: null } as const;
    const deadlineAt = this.#now() + deadlineMs;
    const row = { ...asked, ...open, owner, deadlineAt, answerStatus: null, answer: null };
    this.rows.set(row.id, row);
    this.#byKey.set(keyOf(row), row);
  }

  /** By epoch and owner, only while it is open. Returns those that matched. */
  write(writes: readonly RowWrite[], owner: string): { id: string; epoch: number }[] {
    return writes.flatMap(({ id, epoch, status, reason, answerStatus, answer }) => {
      const row = this.rows.get(id);
      if (!row || row.epoch !== epoch || row.owner !== owner || row.endedAt !== null) return [];
      row.status = status;
      row.reason = reason ?? row.reason;
      row.answerStatus = answerStatus;
      row.answer = answer;
      row.endedAt = status === 'compensating' ? null : this.#now();
      return [{ id, epoch }];
    });
  }

  renewLease(owner: string, seconds: number): void {
    this.leases.set(owner, this.#now() + seconds * 1_000);
  }

  endLease(owner: string): void {
    this.leases.delete(owner);
  }

  takeOver({ owner, definitions, which, most, known }: TakeOver): OpenRow[] {
    const isTakeable = (row: SagaTableRow): boolean => {
      if (row.owner === owner) return known !== null && !known.includes(row.id);
      return which === 'all' || (this.leases.get(row.owner) ?? 0) < this.#now();
    };
    const taken = [...this.rows.values()]
      .filter((row) => this.isOpen(row) && isTakeable(row))
      .filter((row) => definitions.some((one) => one.name === row.name && one.version === row.version))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, most);
    for (const row of taken) {
      row.owner = owner;
      row.epoch++;
    }
    return taken.map((row) => this.#openRow(row));
  }

  #openRow(row: SagaTableRow): OpenRow {
    const { id, name, version, fan, route, key, fingerprint, input, traceId, epoch, reason } = row;
    const remainingMs = Math.max(0, row.deadlineAt - this.#now());
    return {
      id,
      name,
      version,
      fan,
      route,
      key,
      fingerprint,
      input,
      traceId,
      epoch,
      reason,
      remainingMs,
    };
  }
}
