import { roles } from './climate.ts';

const everywhere = ['was killed', 'died where it speaks', 'was frozen', 'has a wrong clock'].flatMap((what) =>
  roles.map((role) => `fault: ${role} ${what}`),
);

const answers = [
  'reserve-seats was answered 201',
  'reserve-seats was answered seat_unavailable',
  'reserve-seats was answered seat_limit_exceeded',
  'reserve-seats was answered timed_out',
  'reserve-seats was answered user_not_found',
  'pay-reservation was answered 201',
  'pay-reservation was answered insufficient_points',
  'pay-reservation was answered payment_in_progress',
  'pay-reservation was answered already_paid',
  'pay-reservation was answered reservation_expired',
  'pay-reservation was answered timed_out',
  'pay-reservation was answered user_not_found',
  'cancel-reservation was answered 200',
  'cancel-reservation was answered payment_in_progress',
  'charge-points was answered 201',
  'charge-points was answered balance_limit',
];

const branches = [
  ...answers,
  'a batch of several messages',
  'a batch was delivered again, for nothing was heard of it',
  'a fan was told overloaded',
  'a fan was told running',
  'a fan was told unknown',
  'a fan was told in_flight',
  'a fan was told key_reused',
  'a fan was told an answer again',
  'a hold ended',
  'a message became a dead letter',
  'a process could not start',
  'a reply came before its saga was stored',
  'a reply came late',
  'a saga was taken over',
  'a stale write was refused',
  'a start met the row of its key',
  'a write was repeated after its commit was unknown',
  'an account was deleted',
  'an undo found something to undo',
  'do concert.reserve-seats is timed_out',
  'settle points is ok',
  'settle points is timed_out',
  'settle seats is ok',
  'settle cancel is ok',
  'the expirer waited for its lease',
  'the partner got a delivery again',
].map((branch) => `branch: ${branch}`);

const faults = [
  'a commit was unknown',
  'a database was down',
  'a frame was taken and its sender not told',
  'a message was delayed',
  'a message was doubled',
  'a message was lost',
  'a queue stood still',
  'a queue was full',
  'a queue was slow',
  'a sender was cut off',
  'a statement never arrived',
  'a statement was committed after its sender had given it up',
  'a transaction met a conflict',
  'a verdict was lost',
  'the broker forgot a message',
  'the partner answered 500',
  'the partner took it and did not say so',
].map((fault) => `fault: ${fault}`);

/** What must have happened somewhere in some hundreds of seeds: a simulation that never gets there proves nothing. */
const mustBeMet: readonly string[] = [...everywhere, ...branches, ...faults];

/** What takes a thousand: an undo, a deduction or a cancellation that meets the end of its saga's time. */
const mustBeMetByMany = [
  'branch: a saga was taken over on its way back',
  'branch: cancel-reservation was answered timed_out',
  'branch: do payment.deduct-points is timed_out',
  'branch: settle points is insufficient_points',
];
const many = 1_000;

export const neverMet = (counts: ReadonlyMap<string, number>, seeds: number): string[] =>
  [...mustBeMet, ...(seeds < many ? [] : mustBeMetByMany)].filter((what) => !counts.has(what));

export function addTo(sum: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [what, times] of counts) sum.set(what, (sum.get(what) ?? 0) + times);
}
