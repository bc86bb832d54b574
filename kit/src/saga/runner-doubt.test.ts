import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../testing/index.ts';
import { ok } from './cast.fixture.ts';
import { losingFirst, quiet, Stage } from './stage.fixture.ts';

// A row that a driver does not know of, and a driver that believes in a row that there may never be. Found by the simulator.
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

test('while a start is being stored nobody is told of it: there may never be a row', async () => {
  const driver = await stage.driver();
  const release = await stage.holdRows();
  const key = randomUUID();
  // At once: they travel together.
  const [first, same, other] = [
    driver.start('trip', { key }),
    driver.start('trip', { key }),
    driver.start('trip', { key, fingerprint: 'another' }),
  ];
  await driver.ask('do a.look', first.id);
  await driver.waits();
  await quiet();
  expect(driver.told).toEqual([]);
  await release();
  await until('both are told', () => driver.told.length === 2);
  expect(driver.toldOf(same.id)).toEqual(['in_flight']);
  expect(driver.toldOf(other.id)).toEqual(['key_reused']);
});

test('a row that its own driver took over without knowing is taken over again once a write shows it', async () => {
  const driver = await stage.driver();
  const { id } = driver.start('jump');
  const pivot = await driver.ask('do d.pivot', id);
  // As by a take-over that was given up, and committed after the row had been stored.
  await stage.database.query('update saga set epoch = epoch + 1 where id = $1', [id]);
  stage.obeys('do d.pivot');
  await driver.reply(pivot, ok());
  await until('its write is refused', () => driver.runner.liveCount === 0);
  await driver.passLease();
  await stage.status(id, 'succeeded');
});

test('a driver that slept while its start was in doubt looks for the row when it wakes', async () => {
  stage.obeys('do d.pivot');
  const driver = await stage.driver({ through: losingFirst('start_sagas') });
  const { id } = driver.start('jump');
  await until('it is told', () => driver.told.length > 0);
  await driver.passLease(60_000);
  await stage.status(id, 'succeeded');
});
