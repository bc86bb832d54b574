import { until } from '@tutti/kit/testing';
import { Database } from '@tutti/kit/postgres';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { audit } from '../../standalone/src/audit/audit.ts';
import { sayResult } from '../../standalone/src/audit/report.ts';
import { Crowd, seeded } from '../support/crowd.ts';
import { Started } from '../support/started.ts';

test('probe', { timeout: 300_000 }, async () => {
  const random = seeded(42);
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-probe-'));
  await chmod(dataDir, 0o755);
  const system = await Started.in(dataDir, { HOLD_SECONDS: '3' });
  const look = async (waitSeconds: number) => {
    const open = (n: 'orchestrator') => new Database(system.connection(n), { connectionsMax: 2, statementTimeoutMs: 60000 });
    const names = ['orchestrator', 'user', 'concert', 'payment', 'partner'] as const;
    const databases = Object.fromEntries(names.map((n) => [n, open(n as 'orchestrator')])) as never as Record<(typeof names)[number], Database>;
    const report = await audit({ databases, waitSeconds, logFiles: [path.join(dataDir, 'tutti.log'), path.join(dataDir, 'postgres.log')] });
    for (const d of Object.values(databases)) await d.close();
    const broken = report.results.filter((r) => r.status === 'broken');
    console.log(report.drained, report.openSagas, report.dueDeliveries, report.ms, report.results.filter((r) => r.status === 'skipped').length);
    expect(broken.map(sayResult).join('')).toBe('');
    return report;
  };
  try {
    await system.start();
    const seats = await system.query<{ id: string }>('concert', `select id from seat order by id limit 60`);
    const crowd = new Crowd({ performanceId: 'rehearsal-1', seatIds: seats.map(({ id }) => id), random });
    crowd.send(await system.fans(12));
    for (let kill = 0; kill < 6; kill++) {
      const before = crowd.answered.length;
      await until('answers', () => crowd.answered.length > before + 40, 60_000);
      for (let n = 0; n < 5; n++) await look(0);
      await system.killEverything();
      await system.start();
    }
    await crowd.stop();
    const report = await look(90);
    expect(report.drained).toBe(true);
    const [n] = await system.query('concert', `select status, count(*) from reservation group by 1`) ;
    console.log(n, crowd.answered.length);
  } finally {
    await system.killEverything();
    await rm(dataDir, { recursive: true, force: true });
  }
});
