import { randomFrom, until } from '@tutti/kit/testing';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Crowd } from '../support/crowd.ts';
import { Started } from '../support/started.ts';
import { expectAllTrue, expectDrained } from '../support/truth.ts';

const kills = 20;
const fansCount = 12;

test(
  `${kills} SIGKILLs of everything under load: what was answered is still true, and everything begun has ended`,
  { timeout: 300_000 },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomFrom(seed);
    const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-kills-'));
    await chmod(dataDir, 0o755);
    const system = await Started.in(dataDir, { HOLD_SECONDS: '20' });
    try {
      await system.start();
      const seats = await system.query<{ id: string }>('concert', `select id from seat order by id limit 60`);
      const crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds: seats.map(({ id }) => id), random });
      crowd.send(await system.fans(fansCount));
      for (let kill = 0; kill < kills; kill++) {
        const before = crowd.answered.length;
        await until('the crowd gets answers', () => crowd.answered.length > before + fansCount, 60_000);
        await new Promise((moment) => setTimeout(moment, random() * 300));
        await system.killEverything();
        await system.start();
      }
      await crowd.stop();
      expect(crowd.strange, `seed ${seed}`).toEqual([]);
      await expectDrained(system);
      await expectAllTrue(system, crowd, seed);
      expect(await system.stop()).toBe(0);
    } finally {
      await system.killEverything();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);
