import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { commandQueue, replyQueue, type Outcome } from '../saga/index.ts';
import { gate, until } from '../testing/index.ts';
import {
  effects,
  intercepted,
  openDepot,
  put,
  quiet,
  refusingFirst,
  settle,
  takeBack,
  verdict,
  type Depot,
} from './depot.fixture.ts';

// What every service owes its sagas, shown on one that knows only boxes (protocol rules 1, 8, 9 and 14).
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
    const [wide = '', narrow = ''] = [...(await depot.boxes(1)), ...(await depot.boxes(1, 5))];
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
        { refused: { code: 'box_full', data: { room: 5, load: 3 } } },
        { ok: { load: 7 } },
      ].map((outcome, at) => ({ saga: commands[at]?.saga, step: 'put', direction: 'do', outcome })),
    );
  });

  test('of thousands is done and answered to the last', async () => {
    const boxes = await depot.boxes(50, 1_000_000);
    const { send, answered, replies } = depot.staff();
    await send(...Array.from({ length: 3_000 }, (_, at) => put(boxes[at % 50] ?? '', 1)));
    await answered(3_000);
    expect(replies.every(({ outcome }) => 'ok' in outcome)).toBe(true);
    expect(await Promise.all(boxes.map((box) => depot.load(box)))).toEqual(boxes.map(() => 60));
  });

  test('in which a command stands twice obeys it once and answers twice the same', async () => {
    const [box = ''] = await depot.boxes(1);
    const { send, answered, replies } = depot.staff();
    const command = put(box, 3);
    await send(command, put(box, 1), command);
    await answered(3);
    const outcomes = replies.filter(({ saga }) => saga === command.saga).map(({ outcome }) => outcome);
    expect(outcomes).toEqual([{ ok: { load: 3 } }, { ok: { load: 3 } }]);
    expect(await depot.load(box)).toBe(4);
  });

  test('that does and undoes a step leaves nothing of it', async () => {
    const [box = ''] = await depot.boxes(1);
    const { send, answered, replies } = depot.staff();
    const command = put(box, 3);
    await send(command, takeBack(command));
    await answered(2);
    expect(replies.map(({ direction, outcome }) => [direction, outcome])).toEqual([
      ['do', { ok: { load: 3 } }],
      ['undo', { ok: { load: 0 } }],
    ]);
    expect(await depot.load(box)).toBe(0);
  });

  test('in which the undo comes first leaves nothing either: the late action does nothing', async () => {
    const [box = ''] = await depot.boxes(1);
    const { send, answered, replies } = depot.staff();
    const command = put(box, 3);
    await send(takeBack(command), command, takeBack(command));
    await answered(3);
    expect(replies.map(({ outcome }) => verdict(outcome))).toEqual(['ok', 'timed_out', 'ok']);
    expect(await depot.load(box)).toBe(0);
  });

  test('the undo of a refused action takes nothing away', async () => {
    const [box = ''] = await depot.boxes(1, 5);
    const { send, answered, replies } = depot.staff();
    const command = put(box, 6);
    await send(put(box, 4), command, takeBack(command));
    await answered(3);
    expect(replies.map(({ outcome }) => verdict(outcome))).toEqual(['ok', 'box_full', 'ok']);
    expect(await depot.load(box)).toBe(4);
  });
});

describe('replies', () => {
  test('leave only after the commit', async () => {
    const [box = ''] = await depot.boxes(1);
    const held = depot.connection();
    const working = depot.connection();
    const { bus, send, answered, replies } = depot.staff({ database: working });
    await held.query('begin');
    await held.query('select 1 from box where id = $1 for update', [box]);
    const command = put(box, 3);
    await send(command);
    await working.waits();
    await quiet(bus);
    expect(replies).toEqual([]);
    await held.query('commit');
    await answered(1);
    const journal = await depot.database.query('select outcome from journal where saga = $1', [command.saga]);
    expect(journal).toEqual([{ outcome: replies[0]?.outcome }]);
  });

  test('do not leave while the database has yet to say that it committed', async () => {
    const [box = ''] = await depot.boxes(1);
    const told = gate();
    const database = intercepted(depot.database, async (run) => {
      const rows = await run();
      await told.pass();
      return rows;
    });
    const { bus, send, answered, replies } = depot.staff({ database });
    await send(put(box, 3));
    await told.reached;
    await quiet(bus);
    expect(replies).toEqual([]);
    told.open();
    await answered(1);
  });

  test('that could not be sent are sent again, and the effect is not repeated', async () => {
    const [box = ''] = await depot.boxes(1);
    const { send, answered, replies } = depot.staff({ through: losingFirstReplies });
    await send(put(box, 3));
    await answered(1);
    expect(replies.map(({ outcome }) => outcome)).toEqual([{ ok: { load: 3 } }]);
    expect(await depot.load(box)).toBe(3);
  });
});

describe('a conflict with another connection is tried again (rule 8)', () => {
  test('a question that meets its uncommitted action: 23505', async () => {
    const [box = ''] = await depot.boxes(1);
    const [acting, asking] = [depot.connection(), depot.connection()];
    const calls: string[] = [];
    const { send, answered, replies } = depot.staff({ database: noting(asking, calls) });
    const command = put(box, 3);
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
    const [low = '', high = ''] = await depot.boxes(2);
    const other = depot.connection();
    // The one that looks for circles first is the one that is thrown out.
    const working = depot.connection({ deadlock_timeout: '1ms' });
    await other.query(`set deadlock_timeout = '60s'`);
    const calls: string[] = [];
    const { send, answered } = depot.staff({ database: noting(working, calls) });
    await other.query('begin');
    await other.query('select 1 from box where id = $1 for update', [high]);
    await working.query(`set deadlock_timeout = '60s'`);
    await send(put(low, 1), put(high, 1));
    await working.waits();
    void answered;
  });
});
