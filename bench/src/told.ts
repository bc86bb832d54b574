import type { Answer } from './connection.ts';
import type { FanRequest } from './crowd.ts';

export type Reservation = { readonly id: string; readonly request: FanRequest };
type Kept = { readonly request: FanRequest; readonly answer: Answer };

/** Keeps one answer in so many, to ask for it again. */
const keepEach = 97;

/** What the fans were told: what the databases are compared with when the run is over. */
export class Told {
  /** By reservation id: who holds which seat. */
  readonly reserved = new Map<string, FanRequest>();
  readonly paid = new Set<string>();
  readonly tooPoor = new Set<string>();
  /** Answers of the race that came second. */
  seatTaken = 0;
  readonly strange: string[] = [];
  readonly kept: Kept[] = [];
  #count = 0;

  /** An answer to reserving; the reservation when there is one. */
  onReserve(request: FanRequest, answer: Answer): Reservation | undefined {
    this.#keep(request, answer);
    if (answer.status === 409 && answer.body.includes('"seat_unavailable"')) {
      this.seatTaken++;
      return undefined;
    }
    const id = answer.status === 201 ? /"reservationId":"([0-9a-f-]{36})"/.exec(answer.body)?.[1] : undefined;
    if (id === undefined) this.#wonder(request, answer);
    else if (this.reserved.has(id)) this.strange.push(`The reservation ${id} was told twice.`);
    else this.reserved.set(id, request);
    return id === undefined ? undefined : { id, request };
  }

  onPay(request: FanRequest, reservationId: string, answer: Answer): void {
    this.#keep(request, answer);
    if (answer.status === 201 && answer.body.includes(reservationId)) this.paid.add(reservationId);
    else if (answer.status === 402 && answer.body.includes('"insufficient_points"'))
      this.tooPoor.add(reservationId);
    else this.#wonder(request, answer);
  }

  #keep(request: FanRequest, answer: Answer): void {
    if (this.#count++ % keepEach === 0) this.kept.push({ request, answer });
  }

  #wonder({ path }: FanRequest, { status, body }: Answer): void {
    this.strange.push(`${path} was answered ${status} ${body.slice(0, 200)}`);
  }
}
