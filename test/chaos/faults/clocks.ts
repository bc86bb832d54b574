import { services } from '@tutti/cluster/topology';
import { ensureProgram } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { field, request } from '../../support/client.ts';
import type { Arena } from '../../support/arena.ts';
import type { Fault, Scene } from '../fault.ts';
import { replicasOfService, rollService } from './restarting.ts';

type Clock = {
  readonly name: string;
  readonly setting: () => string;
  readonly isOff: (offMs: number) => boolean;
};

const hourMs = 3_600_000;
const nearMs = 60_000;
/** A clock that stands still shows nothing else at once: it is set to where it was a while ago. */
const stillSinceMs = 10 * 60_000;

const clocks: readonly Clock[] = [
  { name: 'a clock an hour ahead', setting: () => '+1h', isOff: (ms) => Math.abs(ms - hourMs) < nearMs },
  { name: 'a clock an hour behind', setting: () => '-1h', isOff: (ms) => Math.abs(ms + hourMs) < nearMs },
  {
    name: 'a clock that stands still',
    setting: () => localTime(Date.now() - stillSinceMs),
    isOff: (ms) => ms < -stillSinceMs,
  },
];

/** As libfaketime reads a time at which to stop. */
function localTime(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19).replace('T', ' ');
}

/** Debian's libfaketime: between a process and the machine's clock. What measures spans of time is let through. */
async function fakeClockLibrary(): Promise<string> {
  await ensureProgram({ program: 'faketime', debianPackage: 'faketime' }, () => {});
  for (const folder of await readdir('/usr/lib')) {
    const file = path.join('/usr/lib', folder, 'faketime');
    const found: string[] = await readdir(file).catch(() => []);
    if (found.includes('libfaketime.so.1')) return path.join(file, 'libfaketime.so.1');
  }
  throw new Error('There is no libfaketime.so.1 below /usr/lib.');
}

/** How far a replica's clock is off, as its private door says with every answer. */
async function clockOffMs(arena: Arena, name: string): Promise<number> {
  const { healthPort } = arena.replica(name);
  const { headers } = await fetch(`http://127.0.0.1:${healthPort}/healthz`);
  return Date.parse(headers.get('date') ?? '') - Date.now();
}

/** What a fan does before they reserve; the one place where the clocks of processes count. Resolves to what was not as it should be. */
async function signsInAndOut({ arena }: Scene): Promise<string[]> {
  const account = { email: `${randomUUID()}@fans.example`, password: 'a long password of nobody' };
  const call = (method: string, what: string, body?: object, token = '') =>
    request(arena.address, method, `/api/v1${what}`, {
      ...(body && { body }),
      ...(token && { headers: { authorization: `Bearer ${token}` } }),
    });
  const signedUp = await call('POST', '/users', { name: 'Mina', ...account });
  const session = await call('POST', '/sessions', account);
  const token = String(field(session.body, 'accessToken'));
  const known = await call('GET', '/users/me', undefined, token);
  const left = await call('DELETE', '/sessions/current', undefined, token);
  const told = [signedUp, session, known, left].map(({ status }) => status);
  if (told.some((status) => status >= 500)) return [];
  if (told.join() !== '201,201,200,204') return [`signing in and out was told ${told.join()}`];
  // Other gateways hear of it within two seconds of their next word from the user service.
  const isKnown = () =>
    call('GET', '/users/me', undefined, token).then(
      ({ status }) => status,
      // Whose connection breaks is told nothing.
      () => 503,
    );
  const isEnded = async () => {
    const told = await Promise.all(Array.from({ length: 4 }, isKnown));
    return told.includes(401) && told.every((status) => status === 401 || status >= 500);
  };
  return until('it is ended everywhere', isEnded, 60_000).then(
    () => [],
    () => ['a session that was ended is still good'],
  );
}

/** One after the other the processes of a service get a clock that can be set; then it is set, while they run. */
async function strike(clock: Clock, scene: Scene, service: string): Promise<() => Promise<void>> {
  const { arena, crowd, count } = scene;
  const file = path.join(arena.dataDir, `clock-of-${service}`);
  await writeFile(file, '+0\n');
  await rollService(arena, service, {
    LD_PRELOAD: await fakeClockLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  const names = replicasOfService(arena, service);
  await writeFile(file, `${clock.setting()}\n`);
  for (const name of names)
    await until(`${name} has ${clock.name}`, async () => clock.isOff(await clockOffMs(arena, name)), 20_000);
  count(clock.name, names.length);
  const before = crowd.answered.length;
  // Something else may break their connections; then there is nothing to tell.
  const wrong = await signsInAndOut(scene).catch(() => []);
  return async () => {
    count('answers while a clock was off', crowd.answered.length - before);
    // It is set right while they run, as by somebody who notices.
    await writeFile(file, '+0\n');
    for (const name of names)
      await until(
        `${name} is right again`,
        async () => Math.abs(await clockOffMs(arena, name)) < nearMs,
        20_000,
      );
    await rollService(arena, service, undefined);
    if (wrong.length > 0) throw new Error(wrong.join('; '));
  };
}

export const clockFaults: readonly Fault[] = clocks.map((clock) => ({
  name: clock.name,
  promise:
    'nobody is refused, kept waiting or given more time for it: waits are spans, and where processes must agree on the time the database says it',
  targets: services,
  evidence: [clock.name, 'answers while a clock was off'],
  // Its processes are started anew for it.
  touches: (service) => [`${service}-1`, `${service}-2`],
  seconds: { alone: 30, chaos: 6 },
  strike: (scene, service) => strike(clock, scene, service),
}));
