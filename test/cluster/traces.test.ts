import { TraceCollector, until } from '@tutti/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { text } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { expectWholePayment } from '../support/payment-trace.ts';

// The same trace when every hop is another process: contexts travel over NATS as they do inside one process.
let collector: TraceCollector;
let house: House;
beforeAll(async () => {
  collector = await TraceCollector.open();
  house = await openHouse({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.address,
    TRACE_SAMPLE_RATIO: '1',
  });
});
afterAll(async () => {
  await house.stop();
  collector.close();
});

test('a payment is one trace through every process, and no hop is missing', async () => {
  const fan = await house.fan(1_000);
  const show = await house.performance(1);
  const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
  expect((await fan.pay(reservationId)).status).toBe(201);
  await expectWholePayment(collector.spans);
});

test('a query is in the trace of the request that asked it, on both sides', async () => {
  const [traceId, spanId] = ['2af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const fan = await house.fan();
  const answer = await fetch(`${house.address}/api/v1/points`, {
    headers: { authorization: `Bearer ${fan.accessToken}`, traceparent: `00-${traceId}-${spanId}-01` },
  });
  expect(answer.status).toBe(200);
  const spans = () => collector.spans.filter((one) => one.traceId === traceId);
  await until('the spans are there', () => spans().length >= 3, 20_000);
  expect(
    spans()
      .map(({ service }) => service)
      .toSorted(),
  ).toEqual(['gateway', 'gateway', 'payment']);
  const known = new Set(spans().map((one) => one.spanId));
  const roots = spans().filter(({ parentSpanId }) => !known.has(parentSpanId));
  expect(roots.map(({ parentSpanId }) => parentSpanId)).toEqual([spanId]);
});
