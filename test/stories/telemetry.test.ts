import { InProcessBus } from '@tutti/kit/messaging';
import { ensureProgram } from '@tutti/kit/service';
import { readMetrics, TraceCollector, until } from '@tutti/kit/testing';
import { queueLabel } from '@tutti/kit/telemetry';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { request, text } from '../support/client.ts';
import { openHouse, type House } from '../support/house.ts';
import { expectWholePayment, paymentRequest, traceOf } from '../support/payment-trace.ts';

const root = path.resolve(import.meta.dirname, '../..');

type Line = Readonly<Record<string, unknown>>;
const read = (line: string): Line => JSON.parse(line);

const metricsOf = async (house: House) => readMetrics((await request(house.address, 'GET', '/metrics')).text);

/** Everything that is published while it runs; the system is in this process. */
function overheard() {
  const sent: { queue: string; message: unknown }[] = [];
  const publish = InProcessBus.prototype.publish;
  const spy = vi
    .spyOn(InProcessBus.prototype, 'publish')
    .mockImplementation(function (this: InProcessBus, to, messages) {
      for (const message of messages) sent.push({ queue: queueLabel(to.name), message });
      return publish.call(this, to, messages);
    });
  return {
    sent,
    to: (queue: string) => sent.filter((one) => one.queue === queue),
    stop: () => spy.mockRestore(),
  };
}

/** How many there are when those that were sent again, because an answer took a second, are counted once. */
const distinct = (sent: ReturnType<typeof overheard>['sent']): number =>
  new Set(
    sent.map(({ queue, message }) => {
      const { id, saga, step, direction } = partsOf(message);
      return JSON.stringify([queue, id, saga, step, direction]);
    }),
  ).size;

const partsOf = (message: unknown): Line => ({ ...(typeof message === 'object' && message) });

describe('a house that is traced', () => {
  let collector: TraceCollector;
  let house: House;
  const lines: Line[] = [];
  beforeAll(async () => {
    collector = await TraceCollector.open();
    house = await openHouse(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.address,
        TRACE_SAMPLE_RATIO: '1',
        LOG_LEVEL: 'debug',
        METRICS: 'on',
      },
      { write: (line) => lines.push(read(line)) },
    );
  });
  afterAll(async () => {
    await house.stop();
    collector.close();
  });

  test('a payment is one trace through every service, and no hop is missing', async () => {
    const fan = await house.fan(1_000);
    const show = await house.performance(1);
    const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
    const bus = overheard();
    expect((await fan.pay(reservationId)).status).toBe(201);
    bus.stop();
    const [span] = await expectWholePayment(collector.spans);
    // Every message of it had its context, each of this trace.
    const contexts = bus.sent.map(({ message }) => String(partsOf(message)['traceparent']));
    expect(distinct(bus.sent)).toBe(12);
    expect(new Set(contexts.map((one) => one.slice(3, 35)))).toEqual(new Set([span?.traceId]));
  });

  test('a caller’s trace goes on here, and a refusal tells its id', async () => {
    const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    const fan = await house.fan();
    const show = await house.performance(1);
    const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
    const path = `/api/v1/reservations/${reservationId}/payment`;
    const refused = await fan.post(path, undefined, undefined, {
      traceparent: `00-${traceId}-${spanId}-01`,
    });
    expect(refused).toMatchObject({ status: 402, body: { code: 'insufficient_points', traceId } });
    const mine = () => collector.spans.filter((one) => one.traceId === traceId);
    await until('the undo is there', () => mine().some(({ name }) => name === 'do payment.deduct-points'));
    await until('the request is there', () => mine().some(({ name }) => name === paymentRequest));
    expect(mine().find(({ name }) => name === paymentRequest)).toMatchObject({
      parentSpanId: spanId,
      fault: '',
    });
    expect(mine().map(({ name }) => name)).toContain('undo concert.mark-reserved');
    expect(lines.filter((line) => line['traceId'] === traceId)).toMatchObject([
      { service: 'gateway', status: 402 },
    ]);
  });

  test('the id that a fan is told with a refusal is the id of its trace, in every service', async () => {
    const fan = await house.fan();
    const show = await house.performance(1);
    const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
    const traceId = text((await fan.pay(reservationId)).body, 'traceId');
    const services = () =>
      new Set(collector.spans.filter((one) => one.traceId === traceId).map(({ service }) => service));
    await until('they all tell of it', () => services().size >= 5);
    expect([...services()].toSorted()).toEqual(['concert', 'gateway', 'orchestrator', 'payment', 'user']);
  });

  test('what a caller does not sample is not traced, and has its id all the same', async () => {
    const traceId = '1bf7651916cd43dd8448eb211c80319d';
    const fan = await house.fan();
    const bus = overheard();
    await fan.post('/api/v1/points/charges', { amount: 10 }, undefined, {
      traceparent: `00-${traceId}-b7ad6b7169203331-00`,
    });
    bus.stop();
    expect(JSON.stringify(bus.sent)).toContain(`00-${traceId}-`);
    expect(JSON.stringify(bus.sent)).not.toContain(`b7ad6b7169203331`);
    await fan.get('/api/v1/points');
    await traceOf(collector.spans, 'GET /api/v1/points', 1);
    expect(collector.spans.filter((one) => one.traceId === traceId)).toEqual([]);
  });

  test('every line has its service, a line about a saga its trace, and no line or span a person', async () => {
    const services = lines.filter((line) => 'service' in line);
    expect(lines.filter((line) => line['msg'] === undefined && !('service' in line))).toEqual([]);
    expect(services.length).toBeGreaterThan(5);
    expect(lines.filter((line) => 'saga' in line && !('traceId' in line))).toEqual([]);
    const [fan] = await house.fans(1);
    await fan?.charge(10);
    await traceOf(collector.spans, 'POST /api/v1/points/charges', 1);
    const told = collector.spans.map(({ name, attributes }) => JSON.stringify([name, attributes])).join('\n');
    expect(told).not.toContain(fan?.userId);
    expect(told).not.toMatch(/@|eyJ/);
  });

  test('METRICS=on shows the figures to whoever reaches the port', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    const page = await request(house.address, 'GET', '/metrics', { headers });
    expect(page.status).toBe(200);
    expect(readMetrics(page.text).value('tutti_spans_total{result="taken"}')).toBeGreaterThan(13);
  });
});

describe('a house that is only measured', () => {
  const due = 'tutti_deliveries_undelivered{state="due"}';
  let house: House;
  beforeAll(async () => {
    house = await openHouse();
  });
  afterAll(() => house.stop());

  test('no message has a context', async () => {
    const bus = overheard();
    const fan = await house.fan(1_000);
    const show = await house.performance(1);
    const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
    expect((await fan.pay(reservationId)).status).toBe(201);
    bus.stop();
    expect(bus.sent.length).toBeGreaterThan(20);
    expect(JSON.stringify(bus.sent)).not.toContain('traceparent');
  });

  test('its counters change as what happens says', async () => {
    // An answer may come before its row is written; a saga is counted when it is.
    await until('everything before has ended', async () => {
      const { series, value } = await metricsOf(house);
      return !series.some((one) => one.startsWith('tutti_sagas_live{')) && value(due) === 0;
    });
    const bus = overheard();
    const before = await metricsOf(house);
    const fan = await house.fan(1_000);
    const other = await house.fan();
    const show = await house.performance(1);
    const reservationId = text((await fan.reserve(show, ['S-1'])).body, 'reservationId');
    expect((await other.reserve(show, ['S-1'])).status).toBe(409);
    expect((await fan.pay(reservationId)).status).toBe(201);
    expect((await request(house.address, 'GET', '/nowhere/at/all')).status).toBe(404);
    const grown = async (series: string) => (await metricsOf(house)).value(series) - before.value(series);
    const outcomes = [
      ['saga="charge-points",outcome="succeeded",code=""', 1],
      ['saga="reserve-seats",outcome="succeeded",code=""', 1],
      ['saga="reserve-seats",outcome="failed",code="seat_unavailable"', 1],
      ['saga="pay-reservation",outcome="succeeded",code=""', 1],
    ] as const;
    for (const [labels, count] of outcomes)
      await until(
        `${labels} grew by ${count}`,
        async () => (await grown(`tutti_sagas_ended_total{${labels}}`)) === count,
      );
    expect(await grown('tutti_saga_duration_seconds_count{saga="reserve-seats"}')).toBe(2);
    const requests = (labels: string) => grown(`tutti_http_request_duration_seconds_count{${labels}}`);
    expect(await requests('method="POST",route="/api/v1/reservations",status="2xx"')).toBe(1);
    expect(await requests('method="POST",route="/api/v1/reservations",status="4xx"')).toBe(1);
    expect(await requests('method="any",route="none",status="4xx"')).toBe(1);
    for (const [queue, count] of [
      ['payment.commands', 2],
      ['sagas.start', 4],
      ['gateway.answers', 4],
    ] as const) {
      expect(distinct(bus.to(queue)), queue).toBe(count);
      await until(
        `all that was sent to ${queue} is counted`,
        async () => (await grown(`tutti_batch_messages_sum{queue="${queue}"}`)) === bus.to(queue).length,
      );
    }
    bus.stop();
    await until('it is delivered, and written down', async () => {
      const { value } = await metricsOf(house);
      const series = 'tutti_delivery_tries_total{result="delivered"}';
      return value(series) - before.value(series) === 1 && value(due) === 0;
    });
    const now = await metricsOf(house);
    for (const database of ['user', 'concert', 'payment', 'partner', 'orchestrator'])
      expect(now.value(`tutti_database_up{database="${database}"}`)).toBe(1);
    expect(now.series.some((one) => one.startsWith('tutti_queue_messages{'))).toBe(true);
    await until(
      'the expirer has its lease',
      async () => (await metricsOf(house)).value('tutti_lease_held{lease="expire-holds"}') === 1,
    );
  });

  test('what the partner has not taken is told, also what nobody tries any more', async () => {
    const before = await metricsOf(house);
    await house.databases.partner.query(
      `insert into delivery (id, reservation_id, version, body, created_at, next_attempt_at, set_aside_at)
       select gen_random_uuid(), gen_random_uuid(), 1, '{}', now() - interval '1 hour', now() + interval '1 hour',
              case when n = 1 then now() end
       from generate_series(1, 3) n`,
    );
    const { value } = await metricsOf(house);
    const grown = (series: string) => value(series) - before.value(series);
    expect(grown(due)).toBe(2);
    expect(grown('tutti_deliveries_undelivered{state="set_aside"}')).toBe(1);
    expect(value('tutti_delivery_oldest_seconds')).toBeGreaterThan(3_599);
    await house.databases.partner.query(`delete from delivery where body = '{}'`);
  });

  test('promtool finds the page well-formed, and nothing to say against our names', async () => {
    const promtool = await ensureProgram({ program: 'promtool', debianPackage: 'prometheus' }, () => {});
    const { text: page } = await request(house.address, 'GET', '/metrics');
    const checking = spawn(promtool, ['check', 'metrics']);
    const ended = once(checking, 'close');
    checking.stdin.end(page);
    const said = await allOf(checking.stderr);
    await ended;
    // Some names of prom-client's own end in what is for counters.
    expect(said.split('\n').filter((line) => line !== '' && !line.startsWith('nodejs_'))).toEqual([]);
  });

  test('no figure has an id, an address or a person in it', async () => {
    const { text: page } = await request(house.address, 'GET', '/metrics');
    expect(page).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|@|eyJ/);
    expect(page.split('\n').length).toBeLessThan(2_000);
  });

  test('every figure that an alert reads is there', async () => {
    const { types } = await metricsOf(house);
    const rules = readFileSync(path.join(root, 'deploy/prometheus/alerts.yml'), 'utf8');
    const named = [...rules.matchAll(/\b(?:tutti|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name);
    const known = (name: string) => types.has(name) || types.has(name.replace(/_(bucket|sum|count)$/, ''));
    // Spans are counted only where something is traced, and what was set aside as a sum only where a broker keeps it.
    const elsewhere = ['tutti_spans_total', 'tutti_dead_letters_total'];
    expect(named.filter((name) => !known(name) && !elsewhere.includes(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(15);
  });

  test('the page is for this machine, is not part of the API, and goes through no proxy', async () => {
    const page = await request(house.address, 'GET', '/metrics');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip']) {
      const handedOn = await request(house.address, 'GET', '/metrics', { headers: { [name]: '127.0.0.1' } });
      expect(handedOn).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await request(house.address, 'POST', '/metrics')).status).toBe(405);
    const { text: document } = await request(house.address, 'GET', '/api/v1/openapi.json');
    expect(document).not.toContain('/metrics');
  });
});
