import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../testing/index.ts';
import { toys, type Toys } from './toy.fixture.ts';

let house: Toys;
const children: ChildProcess[] = [];
beforeEach(() => {
  house = toys();
});
afterEach(async () => {
  await house.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A server in a process of its own, and what it says line by line. */
async function otherProcess() {
  const file = new URL('./serving-process.fixture.ts', import.meta.url);
  const child = spawn(process.execPath, [file.pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value } = await lines.next();
    return String(value);
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { address: await next(), next, kill };
}

test('every server of a service is asked in turn; when one is killed, calls go on', async () => {
  const other = await otherProcess();
  const here = await house.open({ look: async () => ({ text: 'this process' }) });
  const { call } = house.client(`${here.address},${other.address}`);
  const answered = new Set<string>();
  await until('both are connected', async () => {
    answered.add((await call.look({ name: 'a' })).text);
    return answered.size === 2;
  });
  const texts: string[] = [];
  for (let turn = 0; turn < 20; turn++) texts.push((await call.look({ name: 'a' })).text);
  expect(texts.filter((text) => text === 'this process')).toHaveLength(10);

  // Reads that are under way over there are asked again here; what changes something is not.
  const reads = [call.look({ name: 'hold' }), call.look({ name: 'hold' })];
  const writes = [call.put({ name: 'a' }), call.put({ name: 'b' })];
  const results = Promise.allSettled([...reads, ...writes]);
  expect([await other.next(), await other.next()]).toEqual(['held', 'held']);
  await other.kill();
  const statuses = (await results).map(({ status }) => status);
  expect(statuses.slice(0, 2)).toEqual(['fulfilled', 'fulfilled']);
  expect(statuses.slice(2).toSorted()).toEqual(['fulfilled', 'rejected']);

  const after: string[] = [];
  for (let turn = 0; turn < 20; turn++) after.push((await call.look({ name: 'a' })).text);
  expect(new Set(after)).toEqual(new Set(['this process']));
});

test('a server that comes back is asked again', async () => {
  const first = await house.open();
  const { call } = house.client(first.address);
  await call.look({ name: 'a' });
  await first.server.stop(0);
  await expect(call.put({ name: 'a' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  const port = Number(first.address.split(':')[1]);
  const again = await house.open();
  await again.server.listen('127.0.0.1', port);
  await until('it is reached', () =>
    call.put({ name: 'a' }).then(
      () => true,
      () => false,
    ),
  );
});
