import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../testing/index.ts';
import { jump, jumpAnew, ok, refused, trip } from './cast.fixture.ts';
import { losingFirst, quiet, Stage } from './stage.fixture.ts';

// Protocol rule 2: one driver at a time, by an epoch that grows with every change of owner.
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const before = ['do a.look', 'do b.first', 'do c.second'];
const after = ['do e.left', 'do f.right'];
const undos = ['undo c.undo-second', 'undo b.undo-first'];

describe('a driver that lives', () => {
  test('keeps its sagas, whoever else comes and looks', async () => {
    const one = await stage.driver();
    const { id } = one.start('jump');
    await one.ask('do d.pivot', id);
    const two = await stage.driver();
    await two.passLease();
    await two.passLease();
    expect(two.runner.liveCount).toBe(0);
    expect(await stage.row(id)).toMatchObject({ owner: one.owner, epoch: 1 });
    const pivot = await one.ask('do d.pivot', id);
    await one.reply(pivot, ok());
    expect((await one.answer(id)).status).toBe(201);
  });

  test('renews its lease', async () => {
    const one = await stage.driver();
    const { id } = one.start('jump');
    await stage.status(id, 'running');
    await stage.endLease(one);
    await one.passLease();
    const two = await stage.driver();
    expect(two.runner.liveCount).toBe(0);
  });
});

describe('a driver that stops', () => {
  test('ends what it has begun, begins nothing more, and leaves nothing to take over', async () => {
    const driver = await stage.driver();
    const { id } = driver.start('jump');
    const pivot = await driver.ask('do d.pivot', id);
    const stopping = driver.runner.stop(60_000);
    const late = driver.start('jump');
    // It still drives: what is not answered is asked for again.
    await driver.pass(5_000);
    await until('it asks again', () => driver.asks(id).filter((one) => one === 'do d.pivot').length > 1);
    await driver.reply(pivot, ok());
    await stopping;
    expect(await stage.row(id)).toMatchObject({ status: 'succeeded', epoch: 1 });
    expect(await stage.row(late.id)).toBeUndefined();
  });
});

describe('two builds with two versions of one saga, side by side', () => {
  test('each begins its own, a newer one finishes both, and an older one leaves what it does not know', async () => {
    const older = await stage.driver();
    const newer = await stage.driver({ definitions: [trip, jump, jumpAnew] });
    stage.obeys('do a.look');
    const [first, second] = [older.start('jump'), newer.start('jump')];
    await older.ask('do d.pivot', first.id);
    await newer.ask('do d.pivot', second.id);
    await older.crash();
    await newer.crash();
    const stillOlder = await stage.driver();
    stage.obeys('do d.pivot');
    await stage.endLease(older);
    await stage.endLease(newer);
    await stillOlder.passLease();
    await stage.status(first.id, 'succeeded');
    expect(stillOlder.asks(second.id)).toEqual([]);
    expect(await stage.ofOthers([trip, jump])).toEqual([{ name: 'jump', version: 2, open: 1 }]);

    const newest = await stage.driver({ definitions: [trip, jump, jumpAnew] });
    await stage.status(second.id, 'succeeded');
    expect(newest.asks(second.id)).toEqual(['do a.look', 'do d.pivot']);
    const answers = await Promise.all([stage.row(first.id), stage.row(second.id)]);
    expect(answers.map((row) => row?.answer)).toEqual([
      expect.stringContaining('"jumped"'),
      expect.stringContaining('"jumpedAnew"'),
    ]);
    expect(await stage.ofOthers([trip, jump])).toEqual([]);
  });
});

describe('a driver whose lease has ended', () => {
  test('loses its sagas to another, which begins again and comes to the same end', async () => {
    stage.obeys(...before);
    const one = await stage.driver();
    const { id } = one.start('trip');
    await one.ask('do d.pivot', id);
    const two = await stage.driver();
    await stage.endLease(one);
    stage.obeys('do d.pivot', ...after);
    await two.passLease();
    await stage.status(id, 'succeeded');
    expect(await stage.row(id)).toMatchObject({ owner: two.owner, epoch: 2, answerStatus: 201 });
    expect(two.asks(id)).toEqual([...before, 'do d.pivot', ...after]);
    // Whoever asked is with the other driver; here there is nobody to tell.
    expect(two.told).toEqual([]);
  });

  test('finds its end not written, drops the saga and answers nobody', async () => {
    const one = await stage.driver();
    const { id } = one.start('trip');
    const look = await one.ask('do a.look', id);
    await stage.status(id, 'running');
    await stage.endLease(one);
    const two = await stage.driver();
    await two.ask('do a.look', id);
    await one.reply(look, refused('gone'));
    await until('it drops the saga', () => one.runner.liveCount === 0);
    await quiet();
    expect(one.told).toEqual([]);
    expect(await stage.row(id)).toMatchObject({
      status: 'running',
      owner: two.owner,
      epoch: 2,
      answer: null,
    });
    await two.reply({ ...look, replyTo: two.owner }, ok());
    await two.ask('do b.first', id);
  });

  test('finds its turn not written, drops the saga and undoes nothing', async () => {
    stage.obeys('do a.look', 'do b.first');
    const one = await stage.driver();
    const { id } = one.start('trip');
    const second = await one.ask('do c.second', id);
    await stage.endLease(one);
    const two = await stage.driver();
    const secondAgain = await two.ask('do c.second', id);
    stage.obeys('do d.pivot', ...after);
    await one.reply(second, refused('full'));
    await until('it drops the saga', () => one.runner.liveCount === 0);
    await quiet();
    expect(one.asks(id)).toEqual(before);
    expect(one.told).toEqual([]);
    await two.reply(secondAgain, ok());
    await stage.status(id, 'succeeded');
  });

  test('that is taken from it while its turn is being written, undoes nothing either', async () => {
    stage.obeys('do a.look', 'do b.first');
    const one = await stage.driver();
    const { id } = one.start('trip');
    const second = await one.ask('do c.second', id);
    // Only the epoch grows: it alone has to fence.
    const commit = await stage.changing('update saga set epoch = epoch + 1 where id = $1', id);
    await one.reply(second, refused('full'));
    await one.waits();
    await commit();
    await until('it drops the saga', () => one.runner.liveCount === 0);
    await quiet();
    expect(one.asks(id)).toEqual(before);
    expect(await stage.row(id)).toMatchObject({ status: 'running', epoch: 2 });
  });
});

describe('a driver whose write committed without its hearing of it', () => {
  test('goes on undoing what it turned', async () => {
    stage.obeys(...before, ...undos);
    stage.answers('do d.pivot', refused('too_few'));
    const driver = await stage.driver({ through: losingFirst('write_sagas') });
    const { id } = driver.start('trip');
    expect((await driver.answer(id)).status).toBe(409);
    expect(driver.asks(id)).toEqual([...before, 'do d.pivot', ...undos]);
    await stage.status(id, 'failed');
  });

  test('tells the answer it wrote to whoever asks again', async () => {
    stage.answers('do a.look', refused('gone'));
    const driver = await stage.driver({ through: losingFirst('write_sagas') });
    const start = driver.start('trip');
    await stage.status(start.id, 'failed');
    await until('it is through', () => driver.runner.liveCount === 0);
    driver.start('trip', start);
    expect((await driver.answer(start.id)).body).toBe((await stage.row(start.id))?.answer);
  });
});

describe('a driver that comes', () => {
  test('alone takes all at once, live leases or not, but not what its build does not know', async () => {
    const one = await stage.driver();
    const [known, unknown] = [one.start('jump'), one.start('trip')];
    await stage.status(known.id, 'running');
    await stage.status(unknown.id, 'running');
    const two = await stage.driver({ alone: true, definitions: [jump] });
    await two.ask('do d.pivot', known.id);
    expect(two.runner.liveCount).toBe(1);
    expect(await stage.row(known.id)).toMatchObject({ owner: two.owner, epoch: 2 });
    expect(await stage.row(unknown.id)).toMatchObject({ owner: one.owner, epoch: 1 });
    const three = await stage.driver({ alone: true, definitions: [trip] });
    await three.ask('do a.look', unknown.id);
  });

  test('leaves a row that another is taking, does not wait for it, and takes it later if it was not', async () => {
    const one = await stage.driver();
    const [free, locked] = [one.start('jump'), one.start('jump')];
    await stage.status(free.id, 'running');
    await stage.status(locked.id, 'running');
    await one.crash();
    await stage.endLease(one);
    const release = await stage.changing('select 1 from saga where id = $1 for update', locked.id);
    const two = await stage.driver();
    await two.ask('do d.pivot', free.id);
    expect(two.runner.liveCount).toBe(1);
    expect(await stage.row(locked.id)).toMatchObject({ owner: one.owner, epoch: 1 });
    await release();
    await two.passLease();
    await two.ask('do d.pivot', locked.id);
  });

  test('goes on undoing what had turned, from the last step, and does nothing forward', async () => {
    stage.obeys(...before);
    stage.answers('do d.pivot', refused('too_few'));
    const one = await stage.driver();
    const { id } = one.start('trip');
    await one.ask('undo c.undo-second', id);
    expect(await stage.row(id)).toMatchObject({ status: 'compensating', epoch: 1 });
    await one.crash();
    await stage.endLease(one);
    stage.obeys(...undos);
    const two = await stage.driver();
    await stage.status(id, 'failed');
    expect(two.asks(id)).toEqual(undos);
    expect(await stage.row(id)).toMatchObject({ owner: two.owner, epoch: 2, answerStatus: 409 });
  });

  test('turns again what its predecessor had not yet written as turned', async () => {
    stage.obeys(...before, ...undos);
    const one = await stage.driver();
    const { id } = one.start('trip');
    const pivot = await one.ask('do d.pivot', id);
    const release = await stage.holdRows();
    await one.reply(pivot, refused('too_few'));
    await one.waits();
    await one.crash();
    await one.disconnect();
    await release();
    stage.answers('do d.pivot', refused('too_few'));
    const two = await stage.driver({ alone: true });
    await stage.status(id, 'failed');
    expect(one.asks(id)).toEqual([...before, 'do d.pivot']);
    expect(two.asks(id)).toEqual([...before, 'do d.pivot', ...undos]);
  });

  test('takes a saga that was left lying for long, and settles it', async () => {
    stage.obeys('settle d.pivot');
    const one = await stage.driver();
    const { id } = one.start('jump');
    await one.ask('do d.pivot', id);
    await one.crash();
    await stage.database.query(`update saga set deadline_at = now() - interval '40 days' where id = $1`, [
      id,
    ]);
    const two = await stage.driver({ alone: true });
    await stage.status(id, 'failed');
    expect(two.asks(id)).toEqual(['do d.pivot', 'settle d.pivot']);
  });
});
