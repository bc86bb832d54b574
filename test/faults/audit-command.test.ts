import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { text } from '../support/client.ts';
import { isAlive } from '../support/processes.ts';
import { Started } from '../support/started.ts';

const root = path.resolve(import.meta.dirname, '../..');

type Ended = { code: number | null; out: string; err: string };

/** As `npm run audit` runs it. */
function runAudit(dataDir: string, ...words: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['scripts/run.mjs', 'standalone/src/audit/main.ts', ...words], {
    cwd: root,
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  return new Promise((done) => child.once('close', (code) => done({ code, ...said })));
}

test('a system is audited while it runs and when it is at rest', { timeout: 120_000 }, async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-audited-'));
  await chmod(dataDir, 0o755);
  const system = await Started.in(dataDir);
  try {
    expect(await runAudit(dataDir)).toMatchObject({
      code: 2,
      err: expect.stringContaining('no tutti database'),
    });
    await system.start();
    const [fan] = await system.fans(1);
    if (!fan) throw new Error('There is no fan.');
    await fan.charge(10_000);
    const [seat] = await system.query<{ id: string }>('concert', 'select id from seat order by id limit 1');
    const reserved = await fan.reserve('rehearsal-1', [seat?.id ?? '']);
    expect((await fan.pay(text(reserved.body, 'reservationId'))).status).toBe(201);

    const running = await runAudit(dataDir, '--wait', '20');
    expect(running, running.out).toMatchObject({ code: 0, err: expect.not.stringContaining('could not') });
    expect(running.out).toMatch(/^ 1  ok       no seat is in two live reservations/);
    expect(running.out).toMatch(/^14  ok /m);
    expect(running.out).toMatch(/^ 9  skipped .*no history was given/m);

    const one = `update performance set seats_total = seats_total + $1`;
    await system.query('concert', one, [1]);
    const broken = await runAudit(dataDir);
    expect(broken.code).toBe(1);
    expect(broken.out).toMatch(
      /^ 1  BROKEN .*\n +The seats of a performance do not add up:\n +rehearsal-1 should have/m,
    );
    await system.query('concert', one, [-1]);

    await system.query(
      'orchestrator',
      `update saga set status = 'running', ended_at = null where name = 'charge-points'`,
    );
    const busy = await runAudit(dataDir);
    expect(busy.code).toBe(1);
    expect(busy.out).toMatch(/^ 4  skipped .*not checked: 1 saga open/m);
    await system.query(
      'orchestrator',
      `update saga set status = 'succeeded', ended_at = now() where status = 'running'`,
    );

    await system.stop();
    const atRest = await runAudit(dataDir, '--json');
    expect(atRest.code, atRest.out).toBe(0);
    const report: unknown = JSON.parse(atRest.out);
    expect(report).toMatchObject({ ok: true, drained: true, openSagas: 0 });
    // The PostgreSQL that it had started is gone again.
    const location = await readFile(path.join(dataDir, 'postgres-location'), 'utf8').catch(() => dataDir);
    const left = await readFile(path.join(location.trim(), 'postgres/postmaster.pid'), 'utf8').catch(
      () => '',
    );
    expect(left === '' || !isAlive(Number.parseInt(left, 10))).toBe(true);
  } finally {
    await system.killEverything();
    await rm(dataDir, { recursive: true, force: true });
  }
});
