import type { AdmissionQuestion, AdmissionRecord, AdmissionState, Sale, SaleQueries } from '@tutti/contracts';

/** The concert service as the waiting room sees it: sales, seats, and what became of those who were let in. */
export class BoxOffice implements SaleQueries {
  readonly #sales = new Map<string, Sale>();
  readonly #states = new Map<string, AdmissionState>();
  readonly recorded: AdmissionRecord[] = [];
  isAway = false;

  add(sale: Partial<Sale> & { concertId: string }): void {
    const opensAt = new Date(Date.now() - 60_000).toISOString();
    this.#sales.set(sale.concertId, {
      state: 'open',
      opensAt,
      inside: 10,
      pace: 10_000,
      capacity: 1_000,
      held: 0,
      paid: 0,
      seatsLeft: [],
      ...this.#sales.get(sale.concertId),
      ...sale,
    });
  }

  /** From now on this is what became of the fan's visit. */
  says(userId: string, state: AdmissionState): void {
    this.#states.set(userId, state);
  }

  async sales(): Promise<Sale[]> {
    this.#reach();
    return [...this.#sales.values()];
  }

  async recordAdmissions(records: readonly AdmissionRecord[]): Promise<boolean[]> {
    this.#reach();
    this.recorded.push(...records);
    return records.map(({ userId }) => this.#states.get(userId) !== 'over');
  }

  async settleAdmissions(questions: readonly AdmissionQuestion[]): Promise<AdmissionState[]> {
    this.#reach();
    return questions.map(({ userId, mayEnd }) => this.#states.get(userId) ?? (mayEnd ? 'over' : 'inside'));
  }

  #reach(): void {
    if (this.isAway) throw Object.assign(new Error('away'), { code: 'UNAVAILABLE' });
  }
}
