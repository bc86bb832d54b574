import { Database } from '@tutti/kit/postgres';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Arena } from '../../support/arena.ts';
import type { Fault } from '../fault.ts';
import { Broker } from './broker.ts';
import { databaseNamed, serverOf } from './databases.ts';

const diskMegabytes = 256;

const mount = (folder: string): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m,mode=700`, 'tmpfs', folder], {
    stdio: 'ignore',
  });

/** Only root may mount, and not in every container. */
export function mayMount(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'tutti-mount-'));
  try {
    mount(folder);
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

function fill(folder: string): () => void {
  const filler = path.join(folder, 'filler');
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'ignore' });
  } catch {
    // It ends when the disk is full.
  }
  return () => rmSync(filler);
}

/** Which table grows with every saga, and where its keys are. */
const growing: Readonly<Record<string, readonly [string, string]>> = {
  concert: ['journal', 'journal_pkey'],
  payment: ['journal', 'journal_pkey'],
  partner: ['journal', 'journal_pkey'],
  orchestrator: ['saga', 'saga_pkey'],
};

async function move(database: Database, target: string, to: string): Promise<void> {
  const [table = '', index = ''] = growing[target] ?? [];
  await database.query(`alter table ${table} set tablespace ${to}`);
  await database.query(`alter index ${index} set tablespace ${to}`);
}

const refusals = (arena: Arena, target: string): number =>
  readFileSync(path.join(arena.dataDir, 'servers', target, 'postgres.log'), 'utf8').split(
    'No space left on device',
  ).length - 1;

export const diskIsFull: Fault = {
  name: 'a disk is full',
  promise:
    'what would have to be written waits, and nobody is told that it was; when there is room everything goes on',
  targets: Object.keys(growing),
  evidence: ['PostgreSQL found no space'],
  touches: (target) => [serverOf(target)],
  seconds: { alone: 30, chaos: 8 },
  isLong: true,
  strike: async ({ arena, count }, target) => {
    const folder = path.join(arena.dataDir, `small-disk-of-${target}`);
    const database = new Database(arena.connection(databaseNamed(target)), {
      connectionsMax: 1,
      statementTimeoutMs: 60_000,
      lockTimeoutMs: 30_000,
    });
    const [row] = await database.query<{ cluster: string }>(
      `select current_setting('data_directory') as cluster`,
    );
    const { uid, gid } = statSync(row?.cluster ?? '');
    mkdirSync(folder);
    mount(folder);
    const unmount = () => {
      execFileSync('umount', [folder]);
      rmdirSync(folder);
    };
    // The server wants a folder of its own user.
    const space = path.join(folder, 'space');
    mkdirSync(space);
    for (const own of [folder, space]) chownSync(own, uid, gid);
    await database.query(`create tablespace small location '${space}'`);
    await move(database, target, 'small');
    const before = refusals(arena, target);
    const free = fill(folder);
    return async () => {
      count('PostgreSQL found no space', refusals(arena, target) - before);
      free();
      count('messages set aside by then', (await Broker.deadLetters(arena)).length);
      await move(database, target, 'pg_default');
      await database.query('drop tablespace small');
      await database.close();
      unmount();
    };
  },
};
