import { payment, user } from '@tutti/contracts';
import { saga } from '@tutti/kit/saga';

/**
 *   user.find ── payment.charge-points ── answer
 *                     pivot
 *
 * One effect only, but a saga all the same: it brings the stored answer that makes a repeated charge count once.
 */
type Input = { userId: string; amount: number };

export const chargePoints = saga<Input>({ name: 'charge-points', version: 1, deadlineMs: 10_000 })
  .read('user', user.find, ({ input }) => ({ userId: input.userId }))
  .pivot('charge', payment.chargePoints, ({ input, user }) => ({ userId: user.userId, amount: input.amount }))
  .reply(({ charge }) => ({ balance: charge.balance, entryId: charge.entryId }));
