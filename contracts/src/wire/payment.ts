import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  EntriesResponseSchema,
  EntryType,
  type EntriesResponse,
  type Entry,
} from '../generated/tutti/payment/v1/payment_pb.ts';
import type { Page, PointEntry } from '../queries.ts';
import { words } from './words.ts';

export { PaymentService } from '../generated/tutti/payment/v1/payment_pb.ts';

const entryTypes = words({
  charge: EntryType.CHARGE,
  payment: EntryType.PAYMENT,
  return: EntryType.RETURN,
} satisfies Record<PointEntry['type'], EntryType>);

/** The position of an entry: below 2^53, as everything that we count. */
export const positionToWire = (position: number | null): bigint | undefined =>
  position === null ? undefined : BigInt(position);

export const entriesToWire = ({
  items,
  next,
}: Page<PointEntry, number>): MessageInitShape<typeof EntriesResponseSchema> => ({
  items: items.map((entry) => ({
    ...entry,
    type: entryTypes.toWire(entry.type),
    amount: BigInt(entry.amount),
    balanceAfter: BigInt(entry.balanceAfter),
  })),
  next: positionToWire(next),
});

export const entriesFromWire = ({ items, next }: EntriesResponse): Page<PointEntry, number> => ({
  items: items.map(entryFromWire),
  next: next === undefined ? null : Number(next),
});

const entryFromWire = ({ entryId, type, amount, balanceAfter, at, reservationId }: Entry): PointEntry => ({
  entryId,
  type: entryTypes.fromWire(type),
  amount: Number(amount),
  balanceAfter: Number(balanceAfter),
  at,
  ...(reservationId !== undefined && { reservationId }),
});
