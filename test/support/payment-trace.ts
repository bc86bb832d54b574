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

/** What happened once, however often it was asked for: what is not answered within a second is asked again. */
const hopsOf = (spans: readonly CollectedSpan[]): string[] =>
  [...new Set(spans.map(({ service, name }) => `${service}: ${name}`))].toSorted();

/**
 * Without what only a slow machine adds: the word to a gateway that asked again after a second that its saga is stored, and what
 * another driver had begun of a start that was not its to drive.
 */
function withoutRepeats(spans: readonly CollectedSpan[]): CollectedSpan[] {
  const idle = new Set(spans.flatMap((one) => (one.fault === 'not driven here' ? [one.spanId] : [])));
  const isBelowIdle = (span: CollectedSpan | undefined): boolean =>
    span !== undefined &&
    (idle.has(span.spanId) || isBelowIdle(spans.find((one) => one.spanId === span.parentSpanId)));
  return spans.filter((one) => !one.name.startsWith('stored ') && !isBelowIdle(one));
}

/** The spans of the trace that began with this one, once there are so many hops; the collector may get them bit by bit. */
export async function traceOf(
  collected: readonly CollectedSpan[],
  rootName: string,
  count: number,
): Promise<CollectedSpan[]> {
  const find = () => {
    const { traceId } = collected.find((one) => one.name === rootName && one.parentSpanId === '') ?? {};
    return withoutRepeats(collected.filter((one) => one.traceId === traceId));
  };
  await until(`there are ${count} hops of ${rootName}`, () => hopsOf(find()).length >= count).catch(
    (error: unknown) => {
      throw new Error(`There are only ${hopsOf(find()).join(', ')}.`, { cause: error });
    },
  );
  return find();
}

/** A payment that went well: every hop is there, each below the one that caused it, and nothing else. */
export async function expectWholePayment(collected: readonly CollectedSpan[]): Promise<CollectedSpan[]> {
  const spans = await traceOf(collected, paymentRequest, 13);
  const hops = (service: string) =>
    new Set(spans.flatMap((one) => (one.service === service ? [one.name] : [])));
  expect(hops('gateway')).toEqual(new Set([paymentRequest, 'answer pay-reservation']));
  expect(hops('orchestrator')).toEqual(new Set([...steps, 'saga pay-reservation']));
  expect(hops('concert')).toEqual(new Set(['do concert.confirm-paid', 'do concert.mark-paid']));
  expect(hops('user')).toEqual(new Set(['do user.find']));
  expect(hops('payment')).toEqual(new Set(['do payment.deduct-points']));
  expect(hops('partner')).toEqual(new Set(['do partner.deliver']));
  expect(hopsOf(spans)).toHaveLength(13);

  const byId = new Map(spans.map((one) => [one.spanId, one]));
  const parentOf = ({ parentSpanId }: CollectedSpan) => byId.get(parentSpanId);
  const orphans = spans.filter((one) => !parentOf(one)).map(({ name, parentSpanId }) => [name, parentSpanId]);
  expect(orphans).toEqual([[paymentRequest, '']]);
  const isTry = ({ service }: CollectedSpan) => /user|concert|payment|partner/.test(service);
  for (const span of spans.filter((one) => one.service === 'orchestrator' && one.name.startsWith('do '))) {
    expect(parentOf(span)?.name).toBe('saga pay-reservation');
    // One for however many tries, and it tells which of them was the first to be heard of.
    const tries = spans.filter((one) => isTry(one) && one.parentSpanId === span.spanId);
    expect(span.links).toHaveLength(1);
    expect(tries.map(({ spanId }) => spanId)).toEqual(expect.arrayContaining([...span.links]));
  }
  for (const span of spans.filter(isTry))
    expect(parentOf(span)).toMatchObject({ service: 'orchestrator', name: span.name });
  expect(spans.filter(({ fault }) => fault !== '')).toEqual([]);
  return spans;
}
