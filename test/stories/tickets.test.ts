import * as http from '@tutti/contracts/http';
import { ticketSigner } from '@tutti/contracts/ticket';
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { list, request, text, type Fan } from '../support/client.ts';
import { openHouse } from '../support/house.ts';
import { LogBook } from '../support/log-book.ts';

// A ticket on its way from the fan's screen to a door that has no connection.
const log = new LogBook();
const house = await openHouse({ LOG_LEVEL: 'trace' }, log);
const program = path.resolve(import.meta.dirname, '../../scripts/verify-ticket.ts');

let mina: Fan;
let show: string;
let reservationId: string;
let ticket: string;
let folder: string;
const file = (name: string): string => path.join(folder, name);

const ticketOf = (fan: Fan, id: string) => fan.at(house.address).get(`/api/v1/reservations/${id}/ticket`);
const publicKeys = () => request(house.address, 'GET', '/api/v1/tickets/keys');
const cancelledOf = async (performanceId: string, query = '') =>
  (await house.promoter()).get(`/api/v1/admin/performances/${performanceId}/cancelled-tickets${query}`);

async function hold(fan: Fan, seats: string[], performanceId = show): Promise<string> {
  return text((await fan.at(house.address).reserve(performanceId, seats)).body, 'reservationId');
}

async function buy(fan: Fan, seats: string[], performanceId = show): Promise<string> {
  const id = await hold(fan, seats, performanceId);
  expect((await fan.at(house.address).pay(id)).status).toBe(201);
  return id;
}

async function cancel(fan: Fan, id: string): Promise<void> {
  const reply = await fan.at(house.address).post(`/api/v1/reservations/${id}/cancellation`);
  expect(reply.status).toBe(200);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-door-'));
  mina = await house.fan(100_000);
  show = await house.performance(20);
  reservationId = await buy(mina, ['S-1', 'S-2']);
  ticket = text((await ticketOf(mina, reservationId)).body, 'ticket');
  await writeFile(file('keys.json'), (await publicKeys()).text);
});
afterAll(async () => {
  await house.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a ticket', () => {
  test('says which seats were paid when, and nobody’s name', async () => {
    const { status, body } = await ticketOf(mina, reservationId);
    expect(status).toBe(200);
    const shown = http.ticket.parse(body);
    expect(shown).toMatchObject({
      reservationId,
      performanceId: show,
      seats: [
        { seatId: 'S-1', label: 'Seat 1' },
        { seatId: 'S-2', label: 'Seat 2' },
      ],
    });
    const said: unknown = JSON.parse(Buffer.from(ticket.split('.')[1] ?? '', 'base64url').toString());
    const iat = Math.floor(Date.parse(shown.issuedAt) / 1_000);
    expect(said).toEqual({ r: reservationId, p: show, s: ['Seat 1', 'Seat 2'], iat });
  });

  test('is the same text whenever it is asked for, also after a restart, and so are the keys', async () => {
    const [first, keys] = [await ticketOf(mina, reservationId), await publicKeys()];
    await house.restart();
    expect((await ticketOf(mina, reservationId)).text).toBe(first.text);
    expect((await publicKeys()).text).toBe(keys.text);
  });

  test('is there only while its reservation is paid', async () => {
    const id = await hold(mina, ['S-3']);
    const refused = { status: 409, code: 'reservation_unpaid' };
    expect((await ticketOf(mina, id)).body).toMatchObject(refused);
    expect((await mina.at(house.address).pay(id)).status).toBe(201);
    expect((await ticketOf(mina, id)).status).toBe(200);
    await cancel(mina, id);
    expect((await ticketOf(mina, id)).body).toMatchObject({ status: 409, code: 'reservation_cancelled' });
  });

  test('is nobody else’s', async () => {
    const reply = await ticketOf(await house.fan(), reservationId);
    expect(reply.body).toMatchObject({ status: 404, code: 'reservation_not_found' });
    expect((await ticketOf(mina, randomUUID())).status).toBe(404);
  });
});

test('the public keys may be kept by whoever asks, and the private one is nowhere in them', async () => {
  const reply = await publicKeys();
  expect(reply.headers.get('cache-control')).toBe('public, max-age=3600');
  const { keys } = http.ticketKeys.parse(reply.body);
  expect(keys).toHaveLength(1);
  expect(reply.text).not.toContain('"d"');
});

describe('what was cancelled', () => {
  test('is listed for the door if it was paid', async () => {
    const evening = await house.performance(6);
    const bought = await Promise.all(['S-1', 'S-2', 'S-3'].map((seat) => buy(mina, [seat], evening)));
    const held = await hold(mina, ['S-4'], evening);
    for (const id of [...bought.slice(0, 2), held]) await cancel(mina, id);
    const { body } = await cancelledOf(evening);
    expect(body).toEqual({ items: bought.slice(0, 2).toSorted(), nextCursor: null });
    expect((await cancelledOf('nowhere')).body).toMatchObject({ code: 'performance_not_found' });
  });

  test('is listed to the end where it is more than a page', async () => {
    const evening = await house.performance(1);
    await house.databases.concert.query(
      `insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at, paid_at)
       select gen_random_uuid(), $1, $2, 'cancelled', '{S-1}', '[]', 0, now(), now() from generate_series(1, 10001)`,
      [evening, mina.userId],
    );
    const first = await cancelledOf(evening);
    const second = await cancelledOf(evening, `?cursor=${text(first.body, 'nextCursor')}`);
    const pages = [first, second].map(({ body }) => list(body, 'items'));
    expect(pages.map(({ length }) => length)).toEqual([10_000, 1]);
    expect(new Set(pages.flat()).size).toBe(10_001);
    expect(second.body).toMatchObject({ nextCursor: null });
  });

  test('is not for fans to see', async () => {
    const reply = await mina.at(house.address).get(`/api/v1/admin/performances/${show}/cancelled-tickets`);
    expect(reply.body).toMatchObject({ status: 403, code: 'role_required' });
  });
});

/** The command, as a door runs it. */
const atDoor = (...args: string[]): Promise<{ code: number | string; said: string }> =>
  new Promise((done) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, said: stdout + stderr }),
    );
  });
const withKeys = (shown: string, ...args: string[]) => atDoor(shown, '--keys', file('keys.json'), ...args);

describe('npm run ticket:verify', () => {
  test('lets a ticket in, with keys from a file or from the house', async () => {
    const { code, said } = await withKeys(ticket, '--performance', show);
    expect(said).toContain(`Valid: ${show}, Seat 1; Seat 2 (reservation ${reservationId}, issued `);
    expect(code).toBe(0);
    const asked = await atDoor(ticket, '--keys', `${house.address}/api/v1/tickets/keys`);
    expect(asked).toEqual({ code, said });
  });

  test('turns away what another key has signed, what was altered, and what is no ticket', async () => {
    const theirs = ticketSigner(randomBytes(32)).sign({
      reservationId,
      performanceId: show,
      seats: ['S-1'],
      issuedAt: new Date(),
    });
    const [head = '', , signature = ''] = ticket.split('.');
    const better = Buffer.from(JSON.stringify({ r: reservationId, p: show, s: ['Seat 9'], iat: 1 }));
    const altered = `${head}.${better.toString('base64url')}.${signature}`;
    const answers = await Promise.all([theirs, altered, mina.accessToken].map((one) => withKeys(one)));
    expect(answers).toEqual([
      { code: 1, said: 'NOT VALID: it was signed with a key that is not among those given.\n' },
      { code: 1, said: 'NOT VALID: its signature is wrong: it was forged or altered.\n' },
      { code: 1, said: 'NOT VALID: this is not a ticket.\n' },
    ]);
  });

  test('turns away a ticket for another performance, and one that the list says was cancelled', async () => {
    const other = await withKeys(ticket, '--performance', 'another-1');
    expect(other).toEqual({ code: 1, said: `NOT VALID: it is for ${show}, not for another-1.\n` });
    const id = await buy(mina, ['S-7']);
    const shown = text((await ticketOf(mina, id)).body, 'ticket');
    await cancel(mina, id);
    await writeFile(file('cancelled.json'), (await cancelledOf(show)).text);
    const listed = ['--cancelled', file('cancelled.json')];
    expect((await withKeys(shown)).code).toBe(0);
    expect(await withKeys(shown, ...listed)).toEqual({
      code: 1,
      said: `NOT VALID: reservation ${id} was cancelled.\n`,
    });
    expect((await withKeys(ticket, ...listed)).code).toBe(0);
  });

  test('says what is missing where it cannot judge', async () => {
    await writeFile(file('no-keys.json'), '{"code":"not_found"}');
    const [noKeys, noTicket] = [await atDoor(ticket, '--keys', file('no-keys.json')), await atDoor()];
    expect(noKeys.said).toContain('has no ticket keys');
    expect(noTicket.said).toContain('npm run ticket:verify -- TICKET');
    expect([noKeys.code, noTicket.code]).toEqual([2, 2]);
  });
});

test('no ticket and no key is in the log', () => {
  expect(log.length).toBeGreaterThan(50);
  const [, , signature = ''] = ticket.split('.');
  expect(log.indiscreet([signature])).toEqual([]);
});
