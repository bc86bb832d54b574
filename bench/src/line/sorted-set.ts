import { ensureProgram, freePort, startProgram } from '@tutti/kit/service';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { SortedSetConfig } from '../../peers/sorted-set/main.ts';
import { processTrees } from '../processes.ts';
import { ServerProcess } from '../server-process.ts';
import { withFolder } from '../surroundings.ts';
import { until } from '../waiting.ts';
import type { LineSurroundings, LineSystem, RunningLine } from './line-system.ts';

type Fsync = 'everysec' | 'always';

const redisServer = { program: 'redis-server', debianPackage: 'redis-server' };
const address = '/api/v1/concerts/bench/queue-tokens';

/** The usual way, `bench/peers/sorted-set/`. */
export const sortedSet = (fsync: Fsync): LineSystem => ({
  name: `sorted-set-${fsync}`,
  title: `Redis sorted set, appendfsync ${fsync}`,
  during: (surroundings, work) =>
    withFolder(surroundings.endings, async (folder) => {
      const starting = start(folder, fsync, surroundings);
      const stop = surroundings.endings.add('the sorted set', async () =>
        (await starting.catch(() => undefined))?.stop(),
      );
      try {
        return await work((await starting).line, folder);
      } finally {
        await stop();
      }
    }),
});

type Started = { readonly line: RunningLine; stop(): Promise<void> };

async function start(folder: string, fsync: Fsync, { crowd, say }: LineSurroundings): Promise<Started> {
  const redisPort = await freePort();
  const settings = `port ${redisPort}\nbind 127.0.0.1\ndir ${JSON.stringify(folder)}\nsave ""\nappendonly yes\nappendfsync ${fsync}\n`;
  const settingsFile = path.join(folder, 'redis.conf');
  await writeFile(settingsFile, settings);
  const redis = startProgram(await ensureProgram(redisServer, say), [settingsFile]);
  const client = new Redis({
    host: '127.0.0.1',
    port: redisPort,
    lazyConnect: true,
    retryStrategy: () => 50,
  });
  // Until it listens, every attempt is an error.
  client.on('error', () => {});
  const memory = async (): Promise<number> =>
    Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1] ?? Number.NaN);
  let server: ServerProcess | undefined;
  const stop = async () => {
    await server?.stop();
    client.disconnect();
    await redis.stop();
  };
  try {
    await until('Redis answers', () => client.ping().then((pong) => pong === 'PONG'), 20_000);
    const { accessTokenKey } = crowd;
    const config: SortedSetConfig = { redisPort, accessTokenKey, logFile: path.join(folder, 'peer.log') };
    const file = path.join(folder, 'peer.json');
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    server = ServerProcess.node('bench/peers/sorted-set/main.ts', [file]);
    const port = await server.listening();
    const nodePid = server.pid;
    const headersOf = (fan: number): string => crowd.fans[fan]?.headers ?? '';
    const line: RunningLine = {
      port,
      join: (fan) => ({ path: address, headers: headersOf(fan), body: '' }),
      poll: (fan) => ({ method: 'GET', path: `${address}/mine`, headers: headersOf(fan), body: '' }),
      bytesStored: memory,
      pids: () => processTrees([nodePid, redis.pid]),
      isPublic: false,
      describe: async () => {
        const version =
          /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'of an unknown version';
        return `Redis ${version} (appendonly yes, appendfsync ${fsync})`;
      },
    };
    return { line, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
