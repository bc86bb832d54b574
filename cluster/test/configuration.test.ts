import { Database, type Connection } from '@tutti/kit/postgres';
import { ensureProgram } from '@tutti/kit/service';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { balancerConfig } from '../src/balancer.ts';
import { ensureDatabases } from '../src/databases.ts';
import { natsConfigForContainers, natsKeys } from '../src/nats-config.ts';
import { databaseOf, services, withDatabase, type Replica } from '../src/topology.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-engines-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a role per service', () => {
  const admin = (service: string, database = service.replaceAll('-', '_')): Connection => ({
    ...inject('postgres'),
    database,
  });
  const asRole = async <T>(
    role: string,
    database: string,
    work: (as: Database) => Promise<T>,
  ): Promise<T> => {
    const connection = { ...inject('postgres'), user: `tutti_${role}`, database };
    const as = new Database(connection, { connectionsMax: 1 });
    try {
      return await work(as);
    } finally {
      await as.close();
    }
  };

  beforeAll(async () => {
    const start = new Database(admin('postgres'), { connectionsMax: 1 });
    // As `npm start` would have left it: the superuser's.
    await start.query('create database concert');
    await start.close();
    const concert = new Database(admin('concert'), { connectionsMax: 1 });
    await concert.query('create table kept (id int primary key)');
    await concert.query('create type pair as (a int, b int)');
    await concert.query('create function one() returns int language sql as $$ select 1 $$');
    await concert.close();
    await ensureDatabases(admin, path.join(folder, 'secrets'));
  });

  test.each(withDatabase)('%s enters its own database and no other', async (service) => {
    const [own, others] = [databaseOf(service), withDatabase.filter((one) => one !== service)];
    await asRole(own, own, (as) => as.query('create table mine (id int); drop table mine'));
    for (const other of others)
      await expect(asRole(own, databaseOf(other), (as) => as.query('select 1'))).rejects.toThrow(
        /permission denied/,
      );
  });

  test('what an embedded system made before belongs to the role', async () => {
    await asRole('concert', 'concert', async (as) => {
      await as.query('alter table kept add column more int');
      await as.query('alter type pair add attribute c int');
      await as.query('create or replace function one() returns int language sql as $$ select 2 $$');
    });
  });

  test('once more changes nothing, and the passwords stay', async () => {
    const first = await ensureDatabases(admin, path.join(folder, 'secrets'));
    expect(await ensureDatabases(admin, path.join(folder, 'secrets'))).toEqual(first);
    expect(new Set(Object.values(first)).size).toBe(withDatabase.length);
  });
});

test('the configuration of NATS for containers is what the topology says, and NATS takes it', async () => {
  const file = new URL('../../deploy/nats.conf', import.meta.url);
  expect(await readFile(file, 'utf8')).toBe(natsConfigForContainers());
  const nats = await ensureProgram({ program: 'nats-server', debianPackage: 'nats-server' }, () => {});
  const env = Object.fromEntries(
    natsKeys.map((key) => [`NATS_PASSWORD_${key.toUpperCase()}`, `secret-of-${key}`]),
  );
  const { stderr } = await promisify(execFile)(nats, ['-t', '-c', file.pathname], { env });
  expect(stderr).toContain('is valid');
});

test('HAProxy takes its configuration', async () => {
  const haproxy = await ensureProgram({ program: 'haproxy', debianPackage: 'haproxy' }, () => {});
  const replicas: Replica[] = services.map((service, at) => ({
    service,
    number: 1,
    port: 7_000 + at,
    healthPort: 9_000 + at,
  }));
  const template = await readFile(new URL('../../deploy/haproxy.cfg', import.meta.url), 'utf8');
  const config = balancerConfig(template, { bind: '127.0.0.1:3999', host: '127.0.0.1', replicas });
  const file = path.join(folder, 'haproxy.cfg');
  await writeFile(file, config);
  const { stdout, stderr } = await promisify(execFile)(haproxy, ['-c', '-f', file]);
  expect(`${stdout}${stderr}`).not.toMatch(/WARNING|ALERT/);
  expect(config).toContain('server gateway-1 127.0.0.1:7006 check port 9006');
  expect(config).toContain('server partner-1 127.0.0.1:9003 check');
});
