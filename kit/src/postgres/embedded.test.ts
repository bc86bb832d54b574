import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AlreadyRunning, CannotStart, type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { packagedBinaries, runnableBinaries } from './embedded/binaries.ts';
import { endProcesses, processesOn, runningOn } from './embedded/postmaster.ts';
import { serverUser } from './embedded/server-user.ts';

const isRoot = process.getuid?.() === 0;
const fixture = fileURLToPath(new URL('embedded-owner.fixture.ts', import.meta.url));

// Everything a test makes is in here, sockets included; every user may enter, so that clusters stay in it too.
const playground = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'embedded-')));
fs.chmodSync(playground, 0o1777);
process.env['TMPDIR'] = playground;

// Making a cluster takes most of the time of a first start, so tests of later starts follow each other on this one. Its
// table `kept` holds 7.
const used = join(playground, 'used');

const children = new Set<ChildProcess>();
const servers = new Set<EmbeddedPostgres>();

beforeAll(async () => {
  const server = await start(used);
  await ask(server.socketDir, 'create table kept as select 7 as seven');
  await server.stop();
});

// What a test started is ended by pid, whatever became of the test.
afterEach(async () => {
  for (const server of servers) await server.stop();
  for (const child of children) child.kill('SIGKILL');
  servers.clear();
  children.clear();
  await eventually(() => guardsOf(playground).length === 0);
  await Promise.all(clusters().map((dataDir) => endProcesses(dataDir)));
});

afterAll(() => fs.rmSync(playground, { recursive: true, force: true }));

/** The clusters, finished or not, on which something may still run. */
function clusters(): string[] {
  const dataDirs = fs.readdirSync(playground).map((name) => join(playground, name));
  return dataDirs.flatMap((dataDir) => [join(dataDir, 'postgres'), unfinishedIn(dataDir)]);
}

function unused(): string {
  const dataDir = fs.mkdtempSync(join(playground, 'unused-'));
  fs.chmodSync(dataDir, 0o755);
  return dataDir;
}

async function start(dataDir: string, waitSeconds = 10, log = (_: string) => {}): Promise<EmbeddedPostgres> {
  const server = await startEmbedded({ dataDir, waitSeconds, log });
  servers.add(server);
  return server;
}

/** Another process that owns, or tries to own, the data directory. */
function owner(dataDir: string, waitSeconds = 10) {
  const child = spawn(process.execPath, [fixture, dataDir, `${waitSeconds}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  children.add(child);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  const says = async (word: string) => {
    await eventually(() => `\n${said}`.includes(`\n${word}`));
    return said.split('\n').find((line) => line.startsWith(word)) ?? '';
  };
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal);
    await gone;
  };
  const ready = async () => (await says('ready')).split(' ')[1] ?? '';
  return { child, says, kill, ready };
}

async function eventually(condition: () => boolean, seconds = 20): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; !condition(); await delay(5)) {
    if (Date.now() > deadline) throw new Error(`not so after ${seconds} s: ${condition.toString()}`);
  }
}

async function ask(socketDir: string, sql: string): Promise<unknown[]> {
  const client = new Client({
    host: socketDir,
    port: 5432,
    user: 'postgres',
    database: 'postgres',
    ssl: false,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows.flatMap((row) => Object.values(row));
  } finally {
    await client.end();
  }
}

const kept = (server: EmbeddedPostgres) => ask(server.socketDir, 'select seven from kept');
const processes = (dataDir: string) => processesOn(join(dataDir, 'postgres'));
const postmaster = (dataDir: string) => runningOn(join(dataDir, 'postgres'))?.pid ?? 0;

/** Process ids and command lines; a process that is dead and not yet buried has none. */
function commands(): [number, string][] {
  const list = execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' });
  return list.split('\n').map((line) => [Number.parseInt(line, 10), line]);
}

/** The shells that would end the servers below this folder. */
function guardsOf(folder: string): number[] {
  return commands()
    .filter(([, command]) => command.includes('tutti-guard') && command.includes(folder))
    .map(([pid]) => pid);
}

/** The folder in which a first start is making a cluster; one that does not exist if there is none. */
function unfinishedIn(dataDir: string): string {
  const names = fs.existsSync(dataDir) && fs.statSync(dataDir).isDirectory() ? fs.readdirSync(dataDir) : [];
  return join(dataDir, names.find((entry) => entry.startsWith('postgres.new-')) ?? 'none');
}

/** Leaves what the loss of all processes at once leaves, as when the machine is switched off. */
async function killEverything(dataDir: string, first: ReturnType<typeof owner>): Promise<void> {
  for (const pid of [...guardsOf(dataDir), postmaster(dataDir)]) process.kill(pid, 'SIGKILL');
  await first.kill();
  expect(fs.existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(true);
}

test('the first start creates a cluster, the second one finds what was written', async () => {
  const dataDir = unused();
  const first = await start(dataDir);
  await Promise.all([first.ensureDatabase('ledger'), first.ensureDatabase('ledger')]);
  expect(fs.statSync(first.socketDir).mode & 0o777).toBe(0o700);
  await first.stop();
  await first.stop();
  expect(fs.existsSync(first.socketDir)).toBe(false);
  expect(processes(dataDir)).toEqual([]);

  const second = await start(dataDir);
  await second.ensureDatabase('ledger');
  expect(await ask(second.socketDir, `select 1 from pg_database where datname = 'ledger'`)).toEqual([1]);
});

test('durability is on and cannot be turned off, other settings can be replaced', async () => {
  const options = { dataDir: used, log: () => {} };
  await expect(startEmbedded({ ...options, settings: { fsync: 'off' } })).rejects.toThrow(/durability/);
  const server = await startEmbedded({ ...options, settings: { work_mem: '7MB' } });
  servers.add(server);
  const durable = `array['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums']`;
  const sql = `select array_agg(distinct setting) from pg_settings where name = any (${durable})`;
  expect(await ask(server.socketDir, sql)).toEqual([['on']]);
  expect(await ask(server.socketDir, 'show work_mem')).toEqual(['7MB']);
  expect(await ask(server.socketDir, 'show listen_addresses')).toEqual(['']);
  expect(await ask(server.socketDir, 'show server_encoding')).toEqual(['UTF8']);
});

test('kill -9 of the owner: the server leaves by itself', async () => {
  const first = owner(used);
  const socketDir = await first.ready();
  await first.kill();
  await eventually(() => processes(used).length === 0 && guardsOf(used).length === 0);
  expect(fs.existsSync(join(used, 'postgres/postmaster.pid'))).toBe(false);
  expect(fs.existsSync(socketDir)).toBe(false);
});

test('kill -9 of the owner: the next start does not wait for the server to leave', async () => {
  const first = owner(used);
  await first.ready();
  await first.kill();
  expect(await kept(await start(used))).toEqual([7]);
});

test('kill -9 of owner and guard leaves an orphan, which the next start replaces', async () => {
  const first = owner(used);
  await first.ready();
  const orphan = postmaster(used);
  for (const pid of guardsOf(used)) process.kill(pid, 'SIGKILL');
  await first.kill();
  expect(postmaster(used)).toBe(orphan);

  expect(await kept(await start(used))).toEqual([7]);
  expect(processes(used)).not.toContain(orphan);
});

test('kill -9 of everything at once: the next start recovers what was committed', async () => {
  const first = owner(used);
  const socketDir = await first.ready();
  await ask(socketDir, 'create table committed as select 8 as eight');
  await killEverything(used, first);

  const second = await start(used);
  expect(await ask(second.socketDir, 'select eight from committed')).toEqual([8]);
  expect(fs.existsSync(socketDir)).toBe(false);
});

test('a pid in postmaster.pid that is a stranger by now: the stranger lives, the start succeeds', async () => {
  const first = owner(used);
  await first.ready();
  await killEverything(used, first);
  const stranger = spawn('sleep', ['60']);
  children.add(stranger);
  const pidFile = join(used, 'postgres/postmaster.pid');
  fs.writeFileSync(pidFile, fs.readFileSync(pidFile, 'utf8').replace(/^\d+/, `${stranger.pid}`));

  expect(await kept(await start(used))).toEqual([7]);
  expect(commands().find(([pid]) => pid === stranger.pid)?.[1]).toContain('sleep');
});

test('a query that outlives its killed postmaster does not keep the next start out', async () => {
  const first = owner(used);
  const socketDir = await first.ready();
  const endless = ask(socketDir, 'select count(*) from generate_series(1, 100000000000)').catch(
    () => undefined,
  );
  const works = () =>
    commands().some(([pid, command]) => command.includes('SELECT') && processes(used).includes(pid));
  await eventually(works);
  process.kill(postmaster(used), 'SIGKILL');
  expect(await first.says('exited')).toContain('SIGKILL');
  expect(works()).toBe(true);
  await first.kill();
  expect(await kept(await start(used))).toEqual([7]);
  await endless;
});

// Each moment of a first start is seen from what is on disk by then.
const moments: [string, (dataDir: string, unfinished: string) => boolean][] = [
  ['its folder exists', (_, unfinished) => fs.existsSync(unfinished)],
  ['initdb has begun', (_, unfinished) => fs.existsSync(join(unfinished, 'PG_VERSION'))],
  [
    'the first tables are there',
    (_, unfinished) => fs.existsSync(join(unfinished, 'global/pg_filenode.map')),
  ],
  ['the cluster has its name', (dataDir) => fs.existsSync(join(dataDir, 'postgres'))],
  ['the server has begun', (dataDir) => fs.existsSync(join(dataDir, 'postgres/postmaster.pid'))],
];

test.each(moments)('kill -9 during the first start when %s: the next one succeeds', async (_, isNow) => {
  const dataDir = unused();
  const first = owner(dataDir);
  await eventually(() => isNow(dataDir, unfinishedIn(dataDir)));
  await first.kill();
  const second = await start(dataDir);
  expect(await ask(second.socketDir, 'select 1')).toEqual([1]);
  expect(fs.existsSync(unfinishedIn(dataDir))).toBe(false);
});

test('an initdb that outlived its owner and its guard is ended by the next start', async () => {
  const dataDir = unused();
  const first = owner(dataDir);
  await eventually(() => fs.existsSync(join(unfinishedIn(dataDir), 'PG_VERSION')));
  const unfinished = unfinishedIn(dataDir);
  for (const pid of guardsOf(dataDir)) process.kill(pid, 'SIGKILL');
  await first.kill();
  expect(processesOn(unfinished)).not.toEqual([]);
  const second = await start(dataDir);
  expect(await ask(second.socketDir, 'select 1')).toEqual([1]);
  expect(processesOn(unfinished)).toEqual([]);
});

test('of two first starts at the same moment one owns and the other leaves', async () => {
  const dataDir = unused();
  const both = [owner(dataDir, 1), owner(dataDir, 1)];
  const ends = await Promise.all(both.map(({ says }) => Promise.race([says('ready'), says('failed')])));
  const [lost, won] = ends.toSorted();
  expect(lost).toContain('failed AlreadyRunning');
  expect(await ask(won?.split(' ')[1] ?? '', 'select 1')).toEqual([1]);
});

test('a second start leaves with one sentence and the first is left alone, even without its lock file', async () => {
  const first = owner(used);
  const socketDir = await first.ready();
  const refusal = await start(used, 1).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(AlreadyRunning);
  expect(String(refusal)).toContain(used);
  fs.rmSync(join(used, 'postgres.lock'));
  expect(await start(used, 0.2).catch((error: unknown) => error)).toBeInstanceOf(AlreadyRunning);
  expect(await ask(socketDir, 'select 1')).toEqual([1]);
});

test('a start waits for an owner that is about to leave', async () => {
  const first = owner(used);
  await first.ready();
  const second = start(used);
  await first.kill('SIGTERM');
  expect(await kept(await second)).toEqual([7]);
});

test('the loss of the server is told, and the owner may start again', async () => {
  const first = await start(used);
  process.kill(postmaster(used), 'SIGKILL');
  expect(String(await first.exited)).toContain('SIGKILL');
  await first.stop();
  expect(await kept(await start(used))).toEqual([7]);
});

test('the server survives the loss of a backend, and so does the claim on it', async () => {
  const { socketDir } = await start(used);
  const claim = `select pid from pg_locks where locktype = 'advisory'`;
  const [before] = await ask(socketDir, claim);
  process.kill(Number(before), 'SIGKILL');
  let after = before;
  for (const deadline = Date.now() + 20_000; after === before && Date.now() < deadline; await delay(50)) {
    [after = before] = await ask(socketDir, claim).catch(() => []);
  }
  expect(after).not.toBe(before);
});

test('a stop while PostgreSQL recovers from the loss of a backend is not lost', async () => {
  const server = await start(used);
  const [backend] = await ask(server.socketDir, `select pid from pg_locks where locktype = 'advisory'`);
  const log = join(used, 'postgres.log');
  const { size } = fs.statSync(log);
  process.kill(Number(backend), 'SIGKILL');
  await eventually(() => fs.readFileSync(log).subarray(size).includes('reinitializing'));
  await server.stop();
  expect(fs.readFileSync(log).subarray(size).toString()).toMatch(/database system is shut down\s*$/);
  expect(fs.readFileSync(log).subarray(size).toString()).not.toContain('immediate shutdown');
});

test('Ctrl-C reaches the owner and not the server', async () => {
  const first = owner(used);
  const socketDir = await first.ready();
  // As a terminal does it: to the whole group, which the owner leads.
  process.kill(-(first.child.pid ?? 0), 'SIGINT');
  await first.says('interrupted');
  expect(await ask(socketDir, 'select 1')).toEqual([1]);
  await first.kill('SIGTERM');
  expect(guardsOf(used)).toEqual([]);
});

test('a file in the place of the data directory is told in one sentence', async () => {
  const file = join(playground, 'file');
  fs.writeFileSync(file, '');
  const refusal = await start(file).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(CannotStart);
  expect(String(refusal)).toBe(`CannotStart: The data directory ${file} is not a folder.`);
});

test('a cluster that cannot be started is told in the words of PostgreSQL', async () => {
  const dataDir = unused();
  const server = await start(dataDir);
  await server.stop();
  fs.appendFileSync(join(dataDir, 'postgres/postgresql.conf'), '\nno_such_thing = 1\n');
  await expect(start(dataDir)).rejects.toThrow(/is gone: .*configuration file .* contains errors/);
});

// Only root's server is another user, who may be unable to enter a folder.
test.skipIf(!isRoot)(
  'as root inside a private home the cluster is put elsewhere and found again',
  async () => {
    const home = join(playground, 'home');
    const dataDir = join(home, 'data');
    fs.mkdirSync(home, { mode: 0o700 });
    const logged: string[] = [];
    const first = await start(dataDir, 10, (message) => void logged.push(message));
    const place = fs.readFileSync(join(dataDir, 'postgres-location'), 'utf8').trim();
    try {
      expect(logged[0]).toContain('/var/lib/tutti');
      expect(fs.existsSync(join(dataDir, 'postgres'))).toBe(false);
      await ask(first.socketDir, 'create table kept as select 7 as seven');
      await first.stop();
      const second = await start(dataDir);
      expect(await kept(second)).toEqual([7]);
      await second.stop();
    } finally {
      fs.rmSync(place, { recursive: true });
    }
  },
);

test('programs that cannot be used in place are copied once, with the libraries linked', async () => {
  const user = await serverUser(join(playground, 'none'));
  const checkout = join(playground, 'checkout');
  const source = join(checkout, 'native');
  fs.cpSync(join(packagedBinaries(), '..'), checkout, { recursive: true, verbatimSymlinks: true });
  // As an install that may not run scripts leaves it, where the server's user may not enter or this one not write.
  const links = fs
    .readdirSync(join(source, 'lib'), { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink());
  for (const { name } of links) fs.rmSync(join(source, 'lib', name));
  fs.chmodSync(isRoot ? checkout : join(source, 'lib'), isRoot ? 0o700 : 0o500);
  const shelter = join(playground, 'shelter');
  const copy = await runnableBinaries(source, shelter, user);
  expect(copy).toMatch(/shelter\/postgres-18\.[\w.-]+$/);
  expect(await runnableBinaries(source, shelter, user)).toBe(copy);
  expect(fs.readdirSync(shelter)).toHaveLength(1);
  fs.chmodSync(join(source, 'lib'), 0o700);
});
