import {
  admissionToken,
  isAdmissionClaims,
  type Admission,
  type AdmissionClaims,
  type SaleControls,
} from '@tutti/contracts';
import { signedTokens, type Log, type SignedTokens } from '@tutti/kit/service';
import { Refused } from './problems.ts';

const refreshMs = 2_000;

/**
 * Turns away who has not been let in. Which performances need an admission is known from a moment ago,
 * and what passes here is looked at again in the transaction that reserves: there a newer token or a payment has voided it.
 */
export class AdmissionGate {
  readonly #tokens: SignedTokens<AdmissionClaims>;
  readonly #sales: Pick<SaleControls, 'guarded'>;
  readonly #log: Log;
  /** Concerts by performance. */
  #guarded: ReadonlyMap<string, string> = new Map();
  #timer: NodeJS.Timeout | undefined;

  constructor(key: Buffer, sales: Pick<SaleControls, 'guarded'>, log: Log) {
    this.#tokens = signedTokens({ key, ...admissionToken, isClaims: isAdmissionClaims });
    this.#sales = sales;
    this.#log = log;
  }

  async start(): Promise<void> {
    await this.#refresh();
    this.#timer = setInterval(() => void this.#refresh(), refreshMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * The admission that a reservation goes on with; none where none is needed. Whose time inside is over may still ask what became
   * of a wish (`isRepeat`): the answer to a key is the same at any time. Only they: nobody else makes the gateway ask about keys.
   */
  async check(
    header: string | string[] | undefined,
    userId: string,
    performanceId: string,
    isRepeat: () => Promise<boolean>,
  ): Promise<Admission | undefined> {
    const concertId = this.#guarded.get(performanceId);
    const claims = typeof header === 'string' ? this.#tokens.judge(header) : undefined;
    const isGood = typeof claims === 'object' && claims.userId === userId;
    if (concertId !== undefined) {
      if (header === undefined) throw new Refused('admission_required');
      if (claims === 'expired') {
        if (await isRepeat()) return undefined;
        throw new Refused('admission_expired');
      }
      if (!isGood || claims.concertId !== concertId) throw new Refused('admission_invalid');
    }
    // Of a waiting room that is too new to be known here, the seats know.
    if (!isGood) return undefined;
    const { number, generation } = claims;
    return { concertId: claims.concertId, number, generation };
  }

  async #refresh(): Promise<void> {
    try {
      const guarded = await this.#sales.guarded();
      this.#guarded = new Map(guarded.map(({ performanceId, concertId }) => [performanceId, concertId]));
    } catch (error) {
      this.#log.warn(
        { error },
        'which performances have a waiting room could not be read; it stays as it was',
      );
    }
  }
}
