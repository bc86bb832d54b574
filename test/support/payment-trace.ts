import type { CollectedSpan } from '@tutti/kit/testing';
import { until } from '@tutti/kit/testing';
import { expect } from 'vitest';

/** What the request of a payment is called, which is the root of its trace unless its caller traces. */
export const paymentRequest = 'POST /api/v1/reservations/:reservationId/payment';

const steps = [
  'do concert.confirm-paid',
  'do concert.mark-paid',
  'do partner.deliver',
  'do payment.deduct-points',
  'do user.find',
];

/** The spans of the trace that began with this one, once there are so many; the collector may get them bit by bit. */
export async function traceOf(
  collected: readonly CollectedSpan[],
  rootName: string,
  count: number,
): Promise<CollectedSpan[]> {
  const find = () => {
    const { traceId } = collected.find((one) => one.name === rootName && one.parentSpanId === '') ?? {};
    return collected.filter((one) => one.traceId === traceId);
  };
  await until(`there are ${count} spans of ${rootName}`, () => find().length >= count).catch(
    (error: unknown) => {
      const there = find().map(({ service, name }) => `${service}: ${name}`);
      throw new Error(`There are only ${there.join(', ')}.`, { cause: error });
    },
  );
  return find();
}

/** A payment that went well: every hop is there, each below the one that caused it, and nothing else. */
export async function expectWholePayment(collected: readonly CollectedSpan[]): Promise<CollectedSpan[]> {
  const spans = await traceOf(collected, paymentRequest, 13);
  const hops = (service: string) =>
    spans
      .filter((one) => one.service === service)
      .map(({ name }) => name)
      .toSorted();
  expect(hops('gateway')).toEqual([paymentRequest, 'answer pay-reservation']);
  expect(hops('orchestrator')).toEqual([...steps, 'saga pay-reservation']);
  expect(hops('concert')).toEqual(['do concert.confirm-paid', 'do concert.mark-paid']);
  expect(hops('user')).toEqual(['do user.find']);
  expect(hops('payment')).toEqual(['do payment.deduct-points']);
  expect(hops('partner')).toEqual(['do partner.deliver']);
  expect(spans).toHaveLength(13);

  const byId = new Map(spans.map((one) => [one.spanId, one]));
  const parentOf = ({ parentSpanId }: CollectedSpan) => byId.get(parentSpanId);
  const orphans = spans.filter((one) => !parentOf(one)).map(({ name, parentSpanId }) => [name, parentSpanId]);
  expect(orphans).toEqual([[paymentRequest, '']]);
  for (const span of spans.filter((one) => one.service === 'orchestrator' && one.name.startsWith('do ')))
    expect(parentOf(span)?.name).toBe('saga pay-reservation');
  for (const span of spans.filter((one) => /user|concert|payment|partner/.test(one.service)))
    expect(parentOf(span)).toMatchObject({
      service: 'orchestrator',
      name: span.name,
      links: [span.spanId],
    });
  expect(spans.filter(({ fault }) => fault !== '')).toEqual([]);
  return spans;
}
