import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../postgres/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: { host: string; port: number; user: string };
  }
}

/** One PostgreSQL for the whole run, with durability on as everywhere; every test file makes databases of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tutti-test-'));
  // PostgreSQL runs as another user where the tests run as root; that user has to be able to enter.
  await chmod(dataDir, 0o755);
  const postgres = await startEmbedded({
    dataDir,
    settings: { max_connections: '200' },
    log: () => {},
  });
  const { host, port, user } = postgres.connection('postgres');
  project.provide('postgres', { host, port, user });
  return async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
