import { Database } from '@tutti/kit/postgres';
import { databaseNames, type DatabaseName } from '@tutti/standalone/system';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Fan } from './client.ts';
import { addFans, signsFor } from './fans.ts';
import type { House } from './house.ts';
import { addPerformance } from './performance.ts';
import { Started } from './started.ts';

/** The same house as `npm run cluster`: two processes of every service on engines of their own. */
export async function openClusterHouse(env: Record<string, string>): Promise<House> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-cluster-'));
  // PostgreSQL runs as another user when this is root, and has to get in.
  await chmod(dataDir, 0o755);
  const started = await Started.in(
    dataDir,
    { REPLICAS: '2', LOG_LEVEL: 'warn', RATE_LIMITS: 'off', ...env },
    'cluster',
  );
  await started.start({}, 120_000);
  const open = (name: DatabaseName) => new Database(started.connection(name), { connectionsMax: 2 });
  const openAll = () => ({
    orchestrator: open('orchestrator'),
    user: open('user'),
    concert: open('concert'),
    payment: open('payment'),
    partner: open('partner'),
    waiting_room: open('waiting_room'),
  });
  let databases = openAll();
  const closeAll = () => Promise.all(databaseNames.map((name) => databases[name].close()));
  const secret = await readFile(path.join(dataDir, 'secrets/access-token-key'), 'utf8');
  const key = Buffer.from(secret.trim(), 'base64url');
  const admissionSecret = await readFile(path.join(dataDir, 'secrets/admission-token-key'), 'utf8');
  const fans = (count: number) => addFans(databases.user, key, started.address, count);
  return {
    address: started.address,
    get databases() {
      return databases;
    },
    accessTokenKey: key,
    admissionTokenKey: Buffer.from(admissionSecret.trim(), 'base64url'),
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
      return new Fan(started.address, userId, signsFor(key)(userId, 'promoter'));
    },
    performance: (seats, price = 1_000) => addPerformance(databases.concert, seats, price),
    restart: async () => {
      await closeAll();
      await started.stop();
      await started.start({}, 120_000);
      databases = openAll();
    },
    stop: async () => {
      await closeAll();
      await started.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
