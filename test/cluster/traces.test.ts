import { TraceCollector } from '@tutti/kit/testing';
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
    REPLICAS: '1',
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
