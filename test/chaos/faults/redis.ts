import { until } from '@tutti/kit/testing';
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Arena } from '../../support/arena.ts';
import { processTree } from '../../support/processes.ts';
import type { Fault, Heal, Scene } from '../fault.ts';
import { rollService } from './restarting.ts';

/** So generous that nobody meets them; what counts is that they are asked for every request. */
const rateLimits = 'requests=100000/1,effects=100000/1,sign-ins=100000/1';

function redisPid(): number {
  const comm = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    } catch {
      return '';
    }
  };
  const pid = processTree(process.pid).find((one) => comm(one) === 'redis-server');
  if (pid === undefined) throw new Error('There is no redis-server.');
  return pid;
}

async function withRedis<T>(arena: Arena, use: (redis: Redis) => Promise<T>): Promise<T> {
  const folder = path.join(arena.dataDir, 'redis');
  const [, port = ''] = /^port (\d+)$/m.exec(readFileSync(path.join(folder, 'redis.conf'), 'utf8')) ?? [];
  const password = readFileSync(path.join(arena.dataDir, 'secrets/redis'), 'utf8').trim();
  const redis = new Redis({ port: Number(port), password, maxRetriesPerRequest: 1, lazyConnect: true });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

const ways: Readonly<Record<string, (scene: Scene) => Promise<Heal>>> = {
  killed: async () => {
    process.kill(redisPid(), 'SIGKILL');
    return async () => {};
  },
  flushed: async ({ arena }) => {
    await until('Redis holds buckets', () => withRedis(arena, async (redis) => (await redis.dbsize()) > 0));
    await withRedis(arena, (redis) => redis.flushall());
    return async () => {};
  },
  stopped: async () => {
    const pid = redisPid();
    process.kill(pid, 'SIGSTOP');
    return async () => void process.kill(pid, 'SIGCONT');
  },
  'cut off': async ({ arena }) => {
    const passages = arena.passagesTo('redis');
    for (const passage of passages) passage.cut('there', 'back');
    return async () => {
      for (const passage of passages) passage.heal();
    };
  },
};

export const redisFails: Fault = {
  name: 'Redis fails',
  promise:
    'each gateway goes by its own rate limits within a tenth of a second; nobody is refused and nobody waits for it',
  targets: Object.keys(ways),
  evidence: ['Redis failed', 'answers without Redis', 'buckets in Redis afterwards'],
  touches: () => ['redis', 'gateway-1', 'gateway-2'],
  seconds: { alone: 20, chaos: 8 },
  strike: async (scene, way) => {
    const { arena, crowd, count } = scene;
    // Without rate limits nothing would ever ask Redis.
    await rollService(arena, 'gateway', { RATE_LIMITS: rateLimits });
    await until(
      'Redis is asked',
      () => withRedis(arena, async (redis) => (await redis.dbsize()) > 0),
      60_000,
    );
    const mend = await ways[way]?.(scene);
    count('Redis failed');
    const before = crowd.answered.length;
    return async () => {
      count('answers without Redis', crowd.answered.length - before);
      await mend?.();
      const buckets = () => withRedis(arena, (redis) => redis.dbsize()).catch(() => 0);
      await until('Redis is asked again', async () => (await buckets()) > 0, 60_000);
      count('buckets in Redis afterwards', await buckets());
      await rollService(arena, 'gateway', undefined);
    };
  },
};
