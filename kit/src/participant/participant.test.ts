import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { commandQueue } from '../saga/index.ts';
import { gate, until } from '../testing/index.ts';
import {
  effects,
  intercepted,
  losingFirstReplies,
  noting,
  openDepot,
  put,
  quiet,
  settle,
  takeBack,
  verdict,
  type Depot,
} from './depot.fixture.ts';
import { callHandle } from './index.ts';

// What every service owes its sagas, shown on one that knows only crates (protocol rules 1, 8, 9 and 14).
let depot: Depot;
beforeAll(async () => {
  depot = await openDepot();
});
afterAll(() => depot.close());
afterEach(() => {
  vi.useRealTimers();
});

describe('a batch', () => {
  test('of commands is one call of the database, and each is answered with its own outcome', async () => {
    const [wide = '', narrow = ''] = [...(await depot.crates(1)), ...(await depot.crates(1, 5))];
    const sizes: number[] = [];
    const { send, answered, replies } = depot.staff({
      database: intercepted(depot.database, (run, [batch]) => {
        sizes.push(JSON.parse(String(batch)).length);
        return run();
      }),
    });
    const commands = [put(wide, 3), put(narrow, 3), put(narrow, 3), put(wide, 4)];
    await send(...commands);
    await answered(4);
    expect(sizes).toEqual([4]);
    expect(replies).toEqual(
      [
        { ok: { load: 3 } },
        { ok: { load: 3 } },
        { refused: { code: 'crate_full', data: { room: 5, load: 3 } } },
        { ok: { load: 7 } },
      ].map((outcome, at) => ({ saga: commands[at]?.saga, step: 'put', direction: 'do', outcome })),
    );
  });

  test('of thousands is done and answered to the last', async () => {
    const crates = await depot.crates(50, 1_000_000);
    const { send, answered, replies } = depot.staff();
    await send(...Array.from({ length: 3_000 }, (_, at) => put(crates[at % 50] ?? '', 1)));
    await answered(3_000);
    expect(replies.every(({ outcome }) => 'ok' in outcome)).toBe(true);
    expect(await Promise.all(crates.map((crate) => depot.load(crate)))).toEqual(crates.map(() => 60));
  });

  test('in which a command stands twice obeys it once and answers twice the same', async () => {
    const [crate = ''] = await depot.crates(1);
    const calls: string[] = [];
    const { send, answered, replies } = depot.staff({ database: noting(depot.database, calls) });
    const command = put(crate, 3);
    await send(command, put(crate, 1), command);
    await answered(3);
    const outcomes = replies.filter(({ saga }) => saga === command.saga).map(({ outcome }) => outcome);
    expect(outcomes).toEqual([{ ok: { load: 3 } }, { ok: { load: 3 } }]);
    expect(await depot.load(crate)).toBe(4);
    expect(calls).toEqual(['done', 'done']);
  });

  test('that does and undoes a step leaves nothing of it', async () => {
    const [crate = ''] = await depot.crates(1);
    const calls: string[] = [];
    const { send, answered, replies } = depot.staff({ database: noting(depot.database, calls) });
    const command = put(crate, 3);
    await send(command, takeBack(command));
    await answered(2);
    expect(replies.map(({ direction, outcome }) => [direction, outcome])).toEqual([
      ['do', { ok: { load: 3 } }],
      ['undo', { ok: { load: 0 } }],
    ]);
    expect(await depot.load(crate)).toBe(0);
    expect(calls).toEqual(['done', 'done']);
  });

  test('in which the undo comes first leaves nothing either: the late action does nothing', async () => {
    const [crate = ''] = await depot.crates(1);
    const calls: string[] = [];
    const { send, answered, replies } = depot.staff({ database: noting(depot.database, calls) });
    const command = put(crate, 3);
    await send(takeBack(command), command, takeBack(command));
    await answered(3);
    expect(replies.map(({ outcome }) => verdict(outcome))).toEqual(['ok', 'timed_out', 'ok']);
    expect(await depot.load(crate)).toBe(0);
    expect(calls).toEqual(['done', 'done', 'done']);
  });

  test('the undo of a refused action takes nothing away', async () => {
    const [crate = ''] = await depot.crates(1, 5);
    const { send, answered, replies } = depot.staff();
    const command = put(crate, 6);
    await send(put(crate, 4), command, takeBack(command));
    await answered(3);
    expect(replies.map(({ outcome }) => verdict(outcome))).toEqual(['ok', 'crate_full', 'ok']);
    expect(await depot.load(crate)).toBe(4);
  });
});

test('an undo that the service does not know how to do is never taken for done', async () => {
  const [crate = ''] = await depot.crates(1);
  const { bus, send, answered, replies } = depot.staff({ effects: [...effects, 'depot.forget'] });
  const command = put(crate, 3);
  await send(command);
  await answered(1);
  await send({ ...takeBack(command), type: 'depot.forget' });
  await until('it is set aside', async () => (await bus.deadLetters()).length === 1);
  expect(replies).toHaveLength(1);
  await send(takeBack(command));
  await answered(2);
  expect(await depot.load(crate)).toBe(0);
});

describe('replies', () => {
  test('leave only after the commit', async () => {
    const [crate = ''] = await depot.crates(1);
    const held = depot.connection();
    const working = depot.connection();
    const { send, answered, replies } = depot.staff({ database: working });
    await held.query('begin');
    await held.query('select 1 from crate where id = $1 for update', [crate]);
    const command = put(crate, 3);
    await send(command);
    await working.waits();
    await quiet();
    expect(replies).toEqual([]);
    await held.query('commit');
    await answered(1);
    const journal = await depot.database.query('select outcome from journal where saga = $1', [command.saga]);
    expect(journal).toEqual([{ outcome: replies[0]?.outcome }]);
  });

  test('do not leave while the database has yet to say that it committed', async () => {
    const [crate = ''] = await depot.crates(1);
    const told = gate();
    const database = intercepted(depot.database, async (run) => {
      const rows = await run();
      await told.pass();
      return rows;
    });
    const { send, answered, replies } = depot.staff({ database });
    await send(put(crate, 3));
    await told.reached;
    await quiet();
    expect(replies).toEqual([]);
    told.open();
    await answered(1);
  });

  test('that could not be sent are sent again, and the effect is not repeated', async () => {
    const [crate = ''] = await depot.crates(1);
    const { send, answered, replies } = depot.staff({ through: losingFirstReplies });
    await send(put(crate, 3));
    await answered(1);
    expect(replies.map(({ outcome }) => outcome)).toEqual([{ ok: { load: 3 } }]);
    expect(await depot.load(crate)).toBe(3);
  });
});

describe('a conflict with another connection is tried again (rule 8)', () => {
  // The bus would take longer than any test to deliver it again.
  const inPlace = { redeliverMs: 600_000 };

  test('a question that meets its uncommitted action: 23505', async () => {
    const [crate = ''] = await depot.crates(1);
    const [acting, asking] = [depot.connection(), depot.connection()];
    const calls: string[] = [];
    const { send, answered, replies } = depot.staff({ ...inPlace, database: noting(asking, calls) });
    const command = put(crate, 3);
    await acting.query('begin');
    const [outcome] = await callHandle(acting, [command]);
    await send(settle(command));
    await asking.waits();
    await acting.query('commit');
    await answered(1);
    expect(calls).toEqual(['23505', 'done']);
    expect(replies).toEqual([{ saga: command.saga, step: 'put', direction: 'settle', outcome }]);
  });

  test('a circle of locks: 40P01', async () => {
    const crates = await depot.crates(3);
    const [low, , high] = crates;
    const [passing, other, working] = [depot.connection(), depot.connection(), depot.connection()];
    // Whoever looks for a circle first is thrown out of it.
    await other.query(`set deadlock_timeout = '60s'`);
    await working.query(`set deadlock_timeout = '1ms'`);
    const lock = 'select 1 from crate where id = $1 for update';
    await passing.query('begin');
    await passing.query(lock, [crates[1]]);
    await other.query('begin');
    await other.query(lock, [high]);
    const calls: string[] = [];
    const { send, answered, replies } = depot.staff({ ...inPlace, database: noting(working, calls) });
    await send(...crates.map((crate) => put(crate, 1)));
    await working.waits();
    const closing = other.query(lock, [low]);
    await other.waits();
    await passing.query('commit');
    await closing;
    await other.query('commit');
    await answered(3);
    // Once, or again when it was quicker than the one it had made room for.
    expect(calls.at(-1)).toBe('done');
    expect(new Set(calls.slice(0, -1))).toEqual(new Set(['40P01']));
    expect(replies.map(({ outcome }) => outcome)).toEqual(crates.map(() => ({ ok: { load: 1 } })));
  });

  test('a row that changed under a snapshot: 40001', async () => {
    const [crate = ''] = await depot.crates(1);
    const [other, working] = [depot.connection(), depot.connection()];
    await working.query(`set default_transaction_isolation = 'repeatable read'`);
    const calls: string[] = [];
    const { send, answered, replies } = depot.staff({ ...inPlace, database: noting(working, calls) });
    await other.query('begin');
    await other.query('update crate set load = 5 where id = $1', [crate]);
    await send(put(crate, 1));
    await working.waits();
    await other.query('commit');
    await answered(1);
    expect(calls).toEqual(['40001', 'done']);
    expect(replies[0]?.outcome).toEqual({ ok: { load: 6 } });
  });
});

describe('one bad command harms itself only (rule 14)', () => {
  test('among hundreds the culprits are set aside and all others are done once', async () => {
    const crates = await depot.crates(10);
    const calls: string[] = [];
    const { bus, send, answered, replies } = depot.staff({ database: noting(depot.database, calls) });
    const good = Array.from({ length: 300 }, (_, at) => put(crates[at % 10] ?? '', 1));
    const bad = [
      put('a name that no text can be: \u0000', 1),
      put(crates[0] ?? '', 'three'),
      // Breaks a rule of the table, not of the business.
      put(crates[1] ?? '', -1_000),
    ];
    await send(...good.slice(0, 100), ...bad.slice(0, 2), ...good.slice(100), ...bad.slice(2));
    await answered(300);
    expect(new Set(replies.map(({ saga }) => saga))).toEqual(new Set(good.map(({ saga }) => saga)));
    expect(replies.every(({ outcome }) => 'ok' in outcome)).toBe(true);
    await until('the culprits are set aside', async () => (await bus.deadLetters()).length === 3);
    expect((await bus.deadLetters()).map(({ message }) => message)).toEqual(bad);
    // Found by halving: some calls for each of them, not one for every command.
    expect(calls.length).toBeLessThan(3 * 2 * 10);
    expect(await Promise.all(crates.map((crate) => depot.load(crate)))).toEqual(crates.map(() => 30));
  });

  test('a fault that is nobody’s fault sets nobody aside: the batch comes again', async () => {
    const crates = await depot.crates(2);
    let calls = 0;
    const database = intercepted(depot.database, (run) => {
      if (calls++ === 0) return Promise.reject(new Error('Connection terminated unexpectedly'));
      return run();
    });
    const { bus, send, answered } = depot.staff({ database });
    await send(...crates.map((crate) => put(crate, 1)));
    await answered(2);
    expect(calls).toBe(2);
    expect(await bus.deadLetters()).toEqual([]);
  });

  test('a read that always fails is set aside, and all that came with it is answered', async () => {
    const [crate = ''] = await depot.crates(1);
    const look = vi.fn((bodies: readonly unknown[]) =>
      bodies.includes('bad')
        ? Promise.reject(new Error('No.'))
        : Promise.resolve(bodies.map((ok) => ({ ok }))),
    );
    const { bus, send, answered, replies } = depot.staff({ reads: { 'depot.look': look } });
    const looking = (body: unknown) => ({ ...put('', 0, { step: 'look' }), type: 'depot.look', body });
    const [bad, ...good] = [looking('bad'), looking(1), looking(2), put(crate, 3)];
    await send(bad, ...good);
    await answered(3);
    await until('the culprit is set aside', async () => (await bus.deadLetters()).length === 1);
    expect((await bus.deadLetters())[0]?.message).toEqual(bad);
    expect(replies.map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining([{ ok: 1 }, { ok: 2 }, { ok: { load: 3 } }]),
    );
    expect(await depot.load(crate)).toBe(3);
  });
});

test('reads of a batch are one call of their reader, beside the effects', async () => {
  const [crate = ''] = await depot.crates(1);
  const look = vi.fn((bodies: readonly unknown[]) =>
    Promise.resolve(bodies.map((body) => ({ ok: { saw: body } }))),
  );
  const { send, answered, replies } = depot.staff({ reads: { 'depot.look': look } });
  const looking = (body: unknown) => ({ ...put('', 0, { step: 'look' }), type: 'depot.look', body });
  const commands = [looking('a'), put(crate, 3), looking('b')];
  await send(...commands);
  await answered(3);
  expect(look.mock.calls).toEqual([[['a', 'b']]]);
  const bySaga = new Map(replies.map(({ saga, outcome }) => [saga, outcome]));
  expect(commands.map(({ saga }) => bySaga.get(saga))).toEqual([
    { ok: { saw: 'a' } },
    { ok: { load: 3 } },
    { ok: { saw: 'b' } },
  ]);
});

test.each([
  'a text',
  null,
  { type: 'depot.put', step: 'put', direction: 'do', body: {}, replyTo: 'test' },
  { type: 'depot.put', saga: 'no id', step: 'put', direction: 'do', body: {}, replyTo: 'test' },
])('what is no command is set aside at once, and what came with it is done: %j', async (nonsense) => {
  const [crate = ''] = await depot.crates(1);
  const { bus, answered } = depot.staff();
  await bus.publish<unknown>(commandQueue('depot'), [put(crate, 3), nonsense, put(crate, 4)]);
  await answered(2);
  expect(await bus.deadLetters()).toMatchObject([{ message: nonsense, reason: 'It is no command.' }]);
  expect(await depot.load(crate)).toBe(7);
});

describe('a command of a type this build does not know', () => {
  test('is neither answered nor dropped, however long it takes, and harms nothing beside it', async () => {
    const [crate = ''] = await depot.crates(1);
    const { bus, send, answered, replies } = depot.staff({ effects: ['depot.put'] });
    const known = put(crate, 3);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const unknown = { ...put(crate, 1), type: 'depot.polish' };
    await send(unknown);
    for (let retries = 0; retries < 20; retries++) {
      await quiet();
      await vi.advanceTimersByTimeAsync(2_000);
    }
    await quiet();
    vi.useRealTimers();
    expect(await bus.deadLetters()).toEqual([]);
    expect(bus.depths().get(commandQueue('depot').name)).toBe(1);
    await send(known);
    await answered(1);
    expect(replies.map(({ saga }) => saga)).toEqual([known.saga]);
  });

  test('is obeyed once a newer build consumes', async () => {
    const [crate = ''] = await depot.crates(1);
    const { bus, send, answered, replies, participant } = depot.staff({ effects: ['depot.put'] });
    const unknown = { ...put(crate, 3), type: 'depot.fill' };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await send(unknown);
    await quiet();
    await participant.stop();
    await vi.advanceTimersByTimeAsync(2_000);
    vi.useRealTimers();
    expect(replies).toEqual([]);
    const newer = depot.participantOn(bus, { effects: [...effects, 'depot.fill'] });
    await answered(1);
    expect(replies.map(({ outcome }) => outcome)).toEqual([{ ok: { load: 3 } }]);
    await newer.stop();
  });
});
