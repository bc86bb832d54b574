import { until } from '@tutti/kit/testing';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import { request } from '../support/client.ts';
import type { Crowd } from '../support/crowd.ts';
import { Playground } from '../support/playground.ts';
import { isAlive } from '../support/processes.ts';
import { crowdAt, expectRecovered } from '../support/recovery.ts';
import { Started } from '../support/started.ts';
import { expectNothingLeft } from '../support/truth.ts';

// A full disk has two faces: tables cannot grow, which fails one statement, or the database's own log cannot, which ends it.

const playground = new Playground('full-disk');
afterEach(() => playground.clear());
afterAll(() => playground.remove());

const smallDisk = (skip: (why: string) => void): string => {
  const folder = playground.unused();
  playground.mount(skip, folder, ['-t', 'tmpfs', '-o', 'size=220m,mode=755', 'tmpfs']);
  return folder;
};

/** Fills the disk but for this much. Returns how to free it again. */
function fill(folder: string, leaveKilobytes: number): () => void {
  const filler = path.join(folder, `filler-${randomUUID()}`);
  const free = execFileSync('df', ['--output=avail', '-k', folder], { encoding: 'utf8' }).split('\n')[1];
  const count = Math.max(0, Number(free) - leaveKilobytes);
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1k', `count=${count}`], { stdio: 'ignore' });
  } catch {
    // Somebody was faster with the last bytes.
  }
  return () => rmSync(filler);
}

test(
  'a full disk: nothing is lost, nobody is told a lie, and when there is room everything goes on',
  { timeout: 120_000 },
  async ({ skip }) => {
    const system = await Started.in(smallDisk(skip), { HOLD_SECONDS: '3' });
    await system.start();
    const crowd = await crowdAt(system);
    const [reader] = await system.fans(1);
    // Leaves segments of the database's log to be used again, so that it is the tables that cannot grow.
    await system.query('user', 'checkpoint');
    const free = fill(system.dataDir, 0);
    await until('nothing gets through', () => isStill(crowd), 30_000);
    // What only reads goes on, and so does the process; a sign-up is told to come back.
    expect((await reader?.get('/api/v1/reservations'))?.status).toBe(200);
    const account = { name: 'Late', email: 'late@fans.example', password: 'a long password of nobody' };
    const signUps = await Promise.all(
      Array.from({ length: 3 }, (_, at) =>
        request(system.address, 'POST', '/api/v1/users', {
          body: { ...account, email: `${at}${account.email}` },
        }),
      ),
    );
    for (const { status, headers } of signUps) {
      // A page of the table may have had room.
      expect([201, 503]).toContain(status);
      if (status === 503) expect(headers.get('retry-after')).not.toBeNull();
    }
    expect(crowd.strange).toEqual([]);
    free();
    await expectRecovered(system, crowd);
    expect(await system.stop()).toBe(0);
  },
);

test(
  'a disk too full for the log of the database: the process says so and leaves, and the next start finds everything',
  { timeout: 120_000 },
  async ({ skip }) => {
    const system = await Started.in(smallDisk(skip), { HOLD_SECONDS: '3' });
    await system.start();
    const crowd = await crowdAt(system);
    // Tables have room to grow, a further segment of the log has not.
    const free = fill(system.dataDir, 15_500);
    const useUpTheLog = () => system.query('user', 'select pg_switch_wal()').catch(() => undefined);
    await until('it has ended', () => useUpTheLog().then(() => !isAlive(system.pid)), 60_000);
    expect(await system.ended()).toBe(1);
    expect(system.output).toMatch(
      /PostgreSQL in \S+ is gone: [^\n]*No space left on device\. Start again; nothing accepted is lost\.\n/,
    );
    await expectNothingLeft(system);
    const full = fill(system.dataDir, 0);
    system.launch();
    expect(await system.ended()).toBe(1);
    expect(system.output).toMatch(
      /could not start: [^\n]*(is on a disk that is full|No space left on device)/,
    );
    full();
    free();
    await system.start();
    await expectRecovered(system, crowd);
    expect(await system.stop()).toBe(0);
  },
);

/** Resolves to whether nobody got an answer for a second. */
async function isStill(crowd: Crowd): Promise<boolean> {
  const before = crowd.answered.length;
  await delay(1_000);
  return crowd.answered.length === before;
}
