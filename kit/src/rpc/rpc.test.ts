import {
  InMemorySpanExporter,
  RandomIdGenerator,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { connect, type ClientHttp2Session } from 'node:http2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Spans } from '../telemetry/spans.ts';
import { gate, until } from '../testing/index.ts';
import { withinDeadline, withinTrace } from './index.ts';
import { nobodyListens, toys, type Toys } from './toy.fixture.ts';

let house: Toys;
beforeEach(() => {
  house = toys();
});
afterEach(() => house.close());

const never = () => new Promise<never>(() => undefined);

describe('a call', () => {
  test('carries what was said there and back, also many megabytes and every language', async () => {
    const data = Buffer.alloc(15_000_000, '무대 뒤 ');
    const { address } = await house.open({ look: async ({ name }) => ({ text: name, data }) });
    const answer = await house.client(address).call.look({ name: '무대 뒤 🎻' });
    expect(answer.text).toBe('무대 뒤 🎻');
    expect(data.equals(answer.data)).toBe(true);
  });

  test('that fails tells the caller nothing of why, and the log everything', async () => {
    const { address } = await house.open({
      put: async () => {
        throw new Error('the key is 0xSECRET');
      },
    });
    const failure: unknown = await house
      .client(address)
      .call.put({ name: 'a' })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'RpcError', code: 'INTERNAL' });
    expect(String(failure)).not.toContain('SECRET');
    expect(house.lines.join()).toContain('0xSECRET');
  });

  test('of what is out of reach is told so, without an address', async () => {
    const { address } = await house.open({ put: () => Promise.reject(nobodyListens()) });
    const failure: unknown = await house
      .client(address)
      .call.put({ name: 'a' })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
    expect(String(failure)).not.toContain('10.1.2.3');
  });

  test('to nobody is told that nobody is there', async () => {
    const { server, address } = await house.open();
    await server.stop(0);
    await expect(house.client(address).call.put({ name: 'a' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });
});

describe('trying again', () => {
  const failing = (times: number) => {
    let tries = 0;
    return {
      tries: () => tries,
      handler: async () => {
        tries++;
        if (tries <= times) throw nobodyListens();
        return {};
      },
    };
  };

  test('a read is tried three times', async () => {
    const look = failing(2);
    const { address } = await house.open({ look: look.handler });
    await house.client(address).call.look({ name: 'a' });
    expect(look.tries()).toBe(3);
  });

  test('and no fourth time', async () => {
    const look = failing(Infinity);
    const { address } = await house.open({ look: look.handler });
    const call = house.client(address).call.look({ name: 'a' });
    await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(look.tries()).toBe(3);
  });

  test('a change is never tried again: it may have been made', async () => {
    const put = failing(1);
    const { address } = await house.open({ put: put.handler });
    const call = house.client(address).call.put({ name: 'a' });
    await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(put.tries()).toBe(1);
  });
});

describe('deadlines', () => {
  test('a call that takes too long is given up', async () => {
    const { address } = await house.open({ look: never });
    const client = house.client(address, { deadlinesMs: { look: 50 } });
    await expect(client.call.look({ name: 'a' })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('each call on the way has what is left of the first one', async () => {
    let farther = 0;
    const far = await house.open({
      look: async (_, { deadline }) => {
        farther = deadline;
        return {};
      },
    });
    const onward = house.client(far.address, { deadlineMs: 3_600_000 });
    let near = 0;
    const { address } = await house.open({
      look: async (_, { deadline, remainingMs }) => {
        near = deadline;
        expect(remainingMs()).toBeLessThanOrEqual(20_000);
        await onward.call.look({ name: 'a' });
        return {};
      },
    });
    const patience = Date.now() + 20_000;
    await withinDeadline(patience, () =>
      house.client(address, { deadlineMs: 3_600_000 }).call.look({ name: 'a' }),
    );
    // The wire says how long, not until when: each reckons from when the call came in.
    expect(near).toBeLessThanOrEqual(patience + 1_000);
    expect(farther).toBeLessThanOrEqual(near + 1_000);
  });

  test('a deadline can be brought forward and not put off', async () => {
    const { address } = await house.open({ look: never });
    const { call } = house.client(address, { deadlineMs: 3_600_000 });
    const late = withinDeadline(Date.now() + 50, () =>
      withinDeadline(Date.now() + 3_600_000, () => call.look({ name: 'a' })),
    );
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('what is too late already is not asked', async () => {
    const { call } = house.client('127.0.0.1:1');
    const late = withinDeadline(Date.now() - 1, () => call.look({ name: 'a' }));
    // Asking at all would have met nobody there.
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('what is too late when it arrives is not begun', async () => {
    let begun = 0;
    const { address } = await house.open({
      look: async () => {
        begun++;
        return {};
      },
    });
    const session = connect(`http://${address}`);
    const path = '/tutti.toy.v1.ToyService/Look';
    // grpc-js itself would not send such a timeout.
    expect(await rawStatus(session, path, { timeout: '0m' })).toBe('4');
    expect(begun).toBe(0);
    expect(await rawStatus(session, path, { timeout: '30S' })).toBe('0');
    expect(begun).toBe(1);
    session.destroy();
  });
});

/** The status of a call made by hand, as any client may make one. */
function rawStatus(
  session: ClientHttp2Session,
  path: string,
  { message = Buffer.alloc(0), timeout }: { message?: Buffer; timeout?: string } = {},
): Promise<unknown> {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(timeout !== undefined && { 'grpc-timeout': timeout }),
  });
  return new Promise((resolve, reject) => {
    const read = (headers: Readonly<Record<string, unknown>>) => {
      if (headers['grpc-status'] !== undefined) resolve(headers['grpc-status']);
    };
    stream.on('response', read).on('trailers', read).on('error', reject).resume();
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  });
}

describe('how much runs at once', () => {
  /** One call at a time, and a look at what is held takes until it is let go. */
  const holding = async () => {
    const held = gate();
    const look = async ({ name }: { name: string }) => {
      if (name === 'held') await held.pass();
      return {};
    };
    const { address } = await house.open({ look }, { runningMax: 1 });
    return { held, address };
  };

  test('is bounded: one more is refused at once, and not when another has ended', async () => {
    const { held, address } = await holding();
    const client = house.client(address);
    const first = client.call.look({ name: 'held' });
    await held.reached;
    await expect(client.call.look({ name: 'b' })).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    await client.check();
    held.open();
    await first;
    await client.call.look({ name: 'c' });
  });

  test('counts a call that its caller gave up for as long as it runs', async () => {
    const { held, address } = await holding();
    const impatient = house.client(address, { deadlinesMs: { look: 3_000 } });
    // Connected before, so that the call reaches its handler well within its time.
    await impatient.check();
    await expect(impatient.call.look({ name: 'held' })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await held.reached;
    const { call } = house.client(address);
    await expect(call.put({ name: 'b' })).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    held.open();
    await until('there is room again', () =>
      call.put({ name: 'c' }).then(
        () => true,
        () => false,
      ),
    );
  });

  test('is told of each service by itself: a crowd at one does not turn away who asks another', async () => {
    const { held, address } = await holding();
    const { call } = house.client(address);
    const first = call.look({ name: 'held' });
    await held.reached;
    await expect(call.put({ name: 'b' })).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(await house.shelf(address).call.count({})).toMatchObject({ toys: 1 });
    held.open();
    await first;
  });

  test('has room for a crowd where the service says so: 2,000 wait for one batch', async () => {
    const crowd = 2_000;
    const batch = gate();
    let waiting = 0;
    const { address } = await house.open(
      {
        put: async () => {
          waiting++;
          await batch.pass();
          return {};
        },
      },
      { runningMax: crowd },
    );
    const { call } = house.client(address);
    const joins = Promise.allSettled(Array.from({ length: crowd }, () => call.put({ name: 'a' })));
    await until('all of them wait', () => waiting === crowd);
    batch.open();
    const refused = (await joins).filter(({ status }) => status === 'rejected');
    expect(refused).toEqual([]);
  });
});

describe('health', () => {
  test('says whether the server could answer', async () => {
    let isReady = true;
    const ready = () => (isReady ? Promise.resolve() : Promise.reject(nobodyListens()));
    const { address } = await house.open({}, { ready });
    const client = house.client(address);
    await client.check();
    isReady = false;
    await expect(client.check()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('is asked for by the name of a service, or of the whole', async () => {
    const { address } = await house.open();
    await expect(checkOf(address, 'tutti.toy.v1.NoSuchService')).resolves.toBe('5');
    await expect(checkOf(address, 'tutti.toy.v1.ToyService')).resolves.toBe('0');
    await expect(checkOf(address, '')).resolves.toBe('0');
  });
});

/** As any balancer asks: by the standard's own path and bytes. */
async function checkOf(address: string, service: string): Promise<unknown> {
  const session = connect(`http://${address}`);
  const message =
    service === '' ? Buffer.alloc(0) : Buffer.from([10, service.length, ...Buffer.from(service)]);
  const status = await rawStatus(session, '/grpc.health.v1.Health/Check', { message });
  session.destroy();
  return status;
}

describe('stopping', () => {
  test('lets what runs come to its end, and takes nothing new', async () => {
    const held = gate();
    const { server, address } = await house.open({
      put: async () => {
        await held.pass();
        return {};
      },
    });
    const { call } = house.client(address);
    const running = call.put({ name: 'a' });
    await held.reached;
    let hasStopped = false;
    const stopping = server.stop(30_000).then(() => {
      hasStopped = true;
    });
    await expect(house.client(address).call.put({ name: 'b' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(hasStopped).toBe(false);
    held.open();
    await running;
    await stopping;
  });

  test('does not wait for ever', async () => {
    const held = gate();
    const { server, address } = await house.open({ put: () => held.pass().then(never) });
    const { call } = house.client(address);
    const cutOff = expect(call.put({ name: 'a' })).rejects.toMatchObject({ name: 'RpcError' });
    await held.reached;
    await server.stop(50);
    await cutOff;
  });
});

describe('traces', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const ids = Object.assign(new RandomIdGenerator(), { using: <T>(_: string, make: () => T): T => make() });
  const spans = new Spans(provider.getTracer('test'), ids, () => true);
  const trace = '0af7651916cd43dd8448eb211c80319c';
  beforeEach(() => exporter.reset());

  test('go through every call, each with a span below the one that made it', async () => {
    const far = await house.open({}, { spans });
    const onward = house.client(far.address, { spans });
    const { address } = await house.open({ look: () => onward.call.look({ name: 'far' }) }, { spans });
    const { call } = house.client(address, { spans });
    await withinTrace(`00-${trace}-b7ad6b7169203331-01`, () => call.look({ name: 'near' }));
    const told = exporter.getFinishedSpans().toReversed();
    expect(told.map(({ name }) => name)).toEqual(Array(4).fill('rpc ToyService/Look'));
    expect(told.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      'b7ad6b7169203331',
      ...told.slice(0, 3).map((span) => span.spanContext().spanId),
    ]);
    expect(new Set(told.map((span) => span.spanContext().traceId))).toEqual(new Set([trace]));
  });

  test('that nobody records go on as they are, so that a log can name them', async () => {
    const { address } = await house.open({ look: () => Promise.reject(new Error('broken')) });
    const { call } = house.client(address);
    const failing = withinTrace(`00-${trace}-b7ad6b7169203331-00`, () => call.look({ name: 'a' }));
    await expect(failing).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(house.lines.join()).toContain(`"traceId":"${trace}"`);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});
