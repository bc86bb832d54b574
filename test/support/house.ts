import { Database, type Connection } from '@tutti/kit/postgres';
import { createLog, keptSecret } from '@tutti/kit/service';
import { readConfig } from '@tutti/standalone/config';
import { databaseNames, startSystem, type DatabaseName, type System } from '@tutti/standalone/system';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import { Fan } from './client.ts';
import { openClusterHouse } from './cluster-house.ts';
import { addFans, signsFor } from './fans.ts';
import { addPerformance } from './performance.ts';
import type { Form } from './started.ts';

/** The whole system in this process, on databases of its own, with a small season. */
export type House = {
  readonly address: string;
  readonly databases: Readonly<Record<DatabaseName, Database>>;
  /** What access tokens are signed with. */
  readonly accessTokenKey: Buffer;
  /** What admissions and places in line are signed with. */
  readonly admissionTokenKey: Buffer;
  /** Accounts without a password and their access tokens: signing up a crowd would only measure argon2. */
  fans(count: number): Promise<Fan[]>;
  fan(points?: number): Promise<Fan>;
  /** The promoter's account that the first start made. */
  promoter(): Promise<Fan>;
  /** A performance with seats `S-1` … of one price. */
  performance(seats: number, price?: number): Promise<string>;
  /** Stops and starts the system on the same databases; the address may change. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

declare module 'vitest' {
  interface ProvidedContext {
    /** Which form of the system the stories are told about. */
    form: Form;
  }
}

export async function openHouse(
  env: Record<string, string> = {},
  logDestination?: { write(line: string): void },
): Promise<House> {
  return inject('form') === 'cluster' ? openClusterHouse(env) : openEmbeddedHouse(env, logDestination);
}

async function openEmbeddedHouse(
  env: Record<string, string>,
  logDestination: { write(line: string): void } | undefined,
): Promise<House> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-house-'));
  const server = inject('postgres');
  const suffix = randomBytes(6).toString('hex');
  const connection = (name: DatabaseName): Connection => ({ ...server, database: `house_${suffix}_${name}` });
  const admin = new Database(
    { ...server, database: 'postgres' },
    { connectionsMax: 1, statementTimeoutMs: 60_000 },
  );
  for (const name of databaseNames) await admin.query(`create database house_${suffix}_${name}`);
  const config = readConfig({ DATA_DIR: dataDir, PORT: '0', RATE_LIMITS: 'off', LOG_LEVEL: 'warn', ...env });
  const log = createLog(config.logLevel, logDestination);
  let system: System = await startSystem(config, connection, log);
  const open = (name: DatabaseName) => new Database(connection(name), { connectionsMax: 2 });
  const databases = {
    orchestrator: open('orchestrator'),
    user: open('user'),
    concert: open('concert'),
    payment: open('payment'),
    partner: open('partner'),
    waiting_room: open('waiting_room'),
  };
  const key = Buffer.from(
    (await keptSecret(path.join(dataDir, 'secrets'), 'access-token-key')).value,
    'base64url',
  );
  const admissionKey = await keptSecret(path.join(dataDir, 'secrets'), 'admission-token-key');
  const sign = signsFor(key);
  const fans = (count: number): Promise<Fan[]> => addFans(databases.user, key, system.address, count);

  return {
    get address() {
      return system.address;
    },
    databases,
    accessTokenKey: key,
    admissionTokenKey: Buffer.from(admissionKey.value, 'base64url'),
    fans,
    fan: async (points = 0) => {
      const [fan] = await fans(1);
      if (!fan) throw new Error('There is no fan.');
      if (points > 0) await fan.charge(points);
      return fan;
    },
    promoter: async () => {
      const [row] = await databases.user.query<{ id: string }>(
        `select id from account where role = 'promoter'`,
      );
      const userId = row?.id ?? '';
      return new Fan(system.address, userId, sign(userId, 'promoter'));
    },
    performance: (seats, price = 1_000) => addPerformance(databases.concert, seats, price),
    restart: async () => {
      await system.stop();
      system = await startSystem(config, connection, log);
    },
    stop: async () => {
      await system.stop();
      for (const name of databaseNames) {
        await databases[name].close();
        await admin.query(`drop database house_${suffix}_${name} with (force)`);
      }
      await admin.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
