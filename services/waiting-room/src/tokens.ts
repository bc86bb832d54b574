import {
  admissionToken,
  isAdmissionClaims,
  isQueueClaims,
  queueToken,
  type AdmissionClaims,
  type QueueClaims,
} from '@tutti/contracts';
import { endlessTokens, signedTokens } from '@tutti/kit/service';
import { createHmac } from 'node:crypto';

const ticketBytes = 16;

/** What the waiting room signs: places in line, and admissions. Two kinds under one key, told apart by type and audience. */
export class LineTokens {
  readonly #key: Buffer;
  readonly #places;
  readonly #admissions;

  constructor(key: Buffer) {
    this.#key = key;
    this.#places = endlessTokens<QueueClaims>({ key, ...queueToken, isClaims: isQueueClaims });
    this.#admissions = signedTokens<AdmissionClaims>({ key, ...admissionToken, isClaims: isAdmissionClaims });
  }

  /** Always the same for a place. */
  place(concertId: string, userId: string, arrival: number): string {
    return this.#places.sign({ concertId, userId, arrival, ticket: this.#ticket(concertId, userId) });
  }

  verifyPlace(token: string): QueueClaims | null {
    return this.#places.verify(token);
  }

  admission(claims: AdmissionClaims, seconds: number): string {
    return this.#admissions.sign(claims, seconds);
  }

  /** Not stored: whoever has the key finds it again. */
  #ticket(concertId: string, userId: string): string {
    return createHmac('sha256', this.#key)
      .update(`tutti line ticket v1\n${concertId}\n${userId}`)
      .digest()
      .subarray(0, ticketBytes)
      .toString('base64url');
  }
}
