import type { AdmissionRefusal, Admitted, QueueClaims, SaleQueries } from '@tutti/contracts';
import { Batches } from './batches.ts';
import { numberOf, type KnownSale } from './sales.ts';
import type { FanOfSale, LineStore, Verdict } from './store.ts';
import type { LineTokens } from './tokens.ts';

type Wish = FanOfSale & { readonly concertId: string; readonly number: number };
type Answer = Verdict | { readonly verdict: 'over' };

const most = { batchMax: 500, waitingMax: 10_000 };
const retryFarSeconds = 10;
const retryNearSeconds = 2;

export type AdmissionOptions = {
  readonly store: LineStore;
  readonly catalogue: Pick<SaleQueries, 'recordAdmissions'>;
  readonly tokens: LineTokens;
  readonly admissionSeconds: number;
};

/** Lets fans in: a slot first, then the record where seats are reserved, and only then the token. */
export class Admissions {
  readonly #options: AdmissionOptions;
  readonly #wishes: Batches<Wish, Answer>;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#wishes = new Batches((batch) => this.#decide(batch), most);
  }

  stop(): Promise<void> {
    return this.#wishes.stop();
  }

  async admit(
    sale: KnownSale,
    userId: string,
    claims: QueueClaims | null,
  ): Promise<Admitted | AdmissionRefusal> {
    const { id, concertId, serving } = sale.row;
    const fan = { sale: id, fan: userId };
    const isTheirs = claims?.concertId === concertId && claims.userId === userId;
    if (!isTheirs) return { code: 'queue_token_invalid' };
    // To these the rows have nothing to add, and everybody who was called asks again.
    if (sale.phase === 'closed') return { code: 'sale_closed' };
    if (sale.phase === 'sold_out') return { code: 'sold_out' };
    if (sale.phase === 'paused') return { code: 'sale_paused' };
    // A signature says that it was given; the row, that it is still there.
    if ((await this.#options.store.arrivalOf(fan)) !== claims.arrival) return { code: 'queue_token_invalid' };
    const number = numberOf(sale, claims.arrival);
    if (number === undefined) return notYet(sale);
    // A thousand numbers away it cannot be their turn: nothing is asked of the rows.
    if (number > serving + farAhead(sale)) return notYourTurn(number - serving - 1);
    const answer = await this.#wishes.add({ ...fan, concertId, number });
    switch (answer.verdict) {
      case 'paused':
        return { code: 'sale_paused' };
      case 'wait':
        return notYourTurn(answer.ahead);
      case 'over':
        return notYourTurn(Math.max(0, sale.row.joined - serving));
      case 'in': {
        const { generation, endsAt } = answer;
        // Rounded down: a token never outlives its slot.
        const seconds = Math.floor((endsAt.getTime() - Date.now()) / 1_000);
        const admissionToken = this.#options.tokens.admission(
          { concertId, userId, number, generation },
          Math.max(1, seconds),
        );
        return { admissionToken, expiresAt: endsAt.toISOString() };
      }
    }
  }

  async #decide(batch: readonly Wish[]): Promise<Answer[]> {
    const { store, catalogue, admissionSeconds } = this.#options;
    const verdicts = await store.admit(batch, admissionSeconds);
    const newest = new Map<string, Admission>();
    for (const [index, verdict] of verdicts.entries()) {
      const wish = batch[index];
      // Of two wishes of one fan both get the newer token: it voids the other.
      if (wish && verdict.verdict === 'in') newest.set(keyOf(wish), { wish, verdict });
    }
    const admitted = [...newest.values()];
    if (admitted.length === 0) return verdicts;
    const recorded = await catalogue.recordAdmissions(
      admitted.map(({ wish: { concertId, fan, number }, verdict: { generation, since } }) => ({
        concertId,
        userId: fan,
        number,
        generation,
        since,
      })),
    );
    const over = admitted.filter((_, at) => recorded[at] !== true);
    if (over.length > 0)
      await store.freeSlots(over.map(({ wish, verdict: { generation } }) => ({ ...wish, generation })));
    const isOver = new Set(over.map(({ wish }) => keyOf(wish)));
    return batch.map((wish, index): Answer => {
      const known = newest.get(keyOf(wish));
      if (!known) return verdicts[index] ?? { verdict: 'paused' };
      return isOver.has(keyOf(wish)) ? { verdict: 'over' } : known.verdict;
    });
  }
}

type Admission = { readonly wish: Wish; readonly verdict: Extract<Verdict, { verdict: 'in' }> };

const keyOf = ({ sale, fan }: FanOfSale): string => `${sale}/${fan}`;

/** So far `serving` may have come since it was read. */
const farAhead = ({ row: { inside, pace } }: KnownSale): number => 100 + 50 * (inside + Math.ceil(pace));

const notYourTurn = (ahead: number): AdmissionRefusal => ({
  code: 'not_your_turn',
  ahead,
  retryAfterSeconds: ahead > 100 ? retryFarSeconds : retryNearSeconds,
});

const notYet = ({ row }: KnownSale): AdmissionRefusal => ({
  code: 'not_your_turn',
  ahead: Math.max(0, row.joined - 1),
  retryAfterSeconds: Math.min(3_600, Math.max(retryNearSeconds, Math.ceil(row.opensInSeconds))),
});
