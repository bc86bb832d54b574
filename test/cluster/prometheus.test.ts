import { ensureProgram, freePort, startProgram, type RunningProgram } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { chmod, copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { list } from '../support/client.ts';
import { replicasOf } from '../support/replicas.ts';
import { Started } from '../support/started.ts';

// A real Prometheus, configured as deploy/prometheus says, reads a real cluster.
let folder: string;
let system: Started;
let prometheus: RunningProgram;
let address: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-prometheus-'));
  await chmod(folder, 0o755);
  system = await Started.in(path.join(folder, 'data'), { REPLICAS: '2' }, 'cluster');
  await system.start({}, 120_000);
  const configuration = path.join(folder, 'configuration');
  await cp(path.resolve(import.meta.dirname, '../../deploy/prometheus'), configuration, { recursive: true });
  const targets = path.join(system.dataDir, 'prometheus-targets.json');
  await copyFile(targets, path.join(configuration, 'targets.json'));
  const program = await ensureProgram({ program: 'prometheus', debianPackage: 'prometheus' }, (sentence) =>
    process.stdout.write(`${sentence}\n`),
  );
  address = `127.0.0.1:${await freePort()}`;
  prometheus = startProgram(program, [
    `--config.file=${path.join(configuration, 'prometheus.yml')}`,
    `--storage.tsdb.path=${path.join(folder, 'series')}`,
    `--web.listen-address=${address}`,
  ]);
});
afterAll(async () => {
  await prometheus.stop();
  await system.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What an expression comes to now: its values, by the labels that were asked for. */
async function ask(expression: string): Promise<number[]> {
  const url = `http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const answer: unknown = await fetch(url).then(
    // While it starts it says so in words.
    (response) => (response.ok ? response.json() : {}),
    () => ({}),
  );
  if (typeof answer !== 'object' || answer === null || !('data' in answer)) return [];
  return list(answer.data, 'result').flatMap((series) =>
    typeof series === 'object' && series !== null && 'value' in series && Array.isArray(series.value)
      ? [Number(series.value[1])]
      : [],
  );
}

test('every process is read, and what fans did is counted where it happened', async () => {
  const processes = replicasOf(system).length;
  const isUp = async () => (await ask('up == 1')).length === processes;
  await until('every process was read', isUp, 40_000);
  const [fan] = await system.fans(1);
  for (let charge = 0; charge < 5; charge++) expect((await fan?.charge(100))?.status).toBe(201);
  const counted = async () => (await ask('sum(tutti_sagas_ended_total{saga="charge-points"})'))[0] === 5;
  await until('the sagas were counted', counted, 40_000);
  const requests = 'sum(tutti_http_request_duration_seconds_count{route="/api/v1/points/charges"})';
  await until('the requests were counted', async () => (await ask(requests))[0] === 5, 40_000);
  expect((await ask('count(ALERTS{alertstate="firing"})'))[0] ?? 0).toBe(0);
});
