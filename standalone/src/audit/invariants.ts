import { answerInvariants } from './answers.ts';
import { deliveryInvariants } from './deliveries.ts';
import type { Invariant } from './invariant.ts';
import { lineInvariants } from './line.ts';
import { logInvariants } from './logs.ts';
import { paymentInvariants } from './payments.ts';
import { pointInvariants } from './points.ts';
import { sagaInvariants } from './sagas.ts';
import { seatInvariants } from './seats.ts';

/** What must always hold, in the order of its numbers. One number may be checked in several ways. */
export const invariants: readonly Invariant[] = [
  ...seatInvariants,
  ...paymentInvariants,
  ...pointInvariants,
  ...sagaInvariants,
  ...deliveryInvariants,
  ...lineInvariants,
  ...logInvariants,
  ...answerInvariants,
].toSorted((a, b) => a.number - b.number);
