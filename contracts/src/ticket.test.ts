import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  sign,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ticketKeys } from './http.ts';
import { readTicket, ticketSigner, type Ticket } from './ticket.ts';

const seed = Buffer.alloc(32, 7);
const signer = ticketSigner(seed);
const ticket: Ticket = {
  reservationId: randomUUID(),
  performanceId: 'last-boat-home-1',
  seats: ['가 구역 · row 12 · seat 3', '가 구역 · row 12 · seat 4'],
  issuedAt: new Date('2027-05-01T10:00:00.000Z'),
};
const text = signer.sign(ticket);
const [head = '', body = '', signature = ''] = text.split('.');

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const said = (encoded: string): object => Object(JSON.parse(Buffer.from(encoded, 'base64url').toString()));

test('what was signed is read, whole, and its keys are what the API shows', () => {
  expect(readTicket(text, signer.keys)).toEqual(ticket);
  expect(ticketKeys.parse(signer.keys)).toEqual(signer.keys);
});

test('one ticket is one text, to the second', () => {
  expect(ticketSigner(seed).sign({ ...ticket, issuedAt: new Date('2027-05-01T10:00:00.999Z') })).toBe(text);
});

test('the key has the name and the signature that RFC 8037 gives it', () => {
  // Appendix A: a private key, its public key, and the thumbprint that our name is the beginning of.
  const { keys } = ticketSigner(Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url')).keys;
  expect(keys).toMatchObject([{ x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'kPrK_qmx' }]);
});

test('six seats with long labels fit into a QR code that a phone can show and a door can read', () => {
  const seats = Array.from({ length: 6 }, (_, at) => `Balcony left · row 124 · seat ${at + 100}`);
  // Version 17 at the lowest level of correction: 85 squares a side.
  expect(signer.sign({ ...ticket, seats }).length).toBeLessThanOrEqual(644);
});

test('a key of another length is refused at once', () => {
  expect(() => ticketSigner(Buffer.alloc(31))).toThrow('32 bytes');
});

describe('refused is', () => {
  const privateKey = keyOf(seed);
  const headWith = (more: object): string => part({ ...said(head), ...more });
  const signed = (newHead: string, newBody: string, key: KeyObject = privateKey): string =>
    `${newHead}.${newBody}.${sign(null, Buffer.from(`${newHead}.${newBody}`), key).toString('base64url')}`;
  const other = ticketSigner(randomBytes(32));
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const lastLetter = signature.endsWith('A') ? 'B' : String.fromCharCode(signature.charCodeAt(85) + 1);

  test.each([
    ['nothing', '', 'not_a_ticket'],
    ['noise', 'a.b.c', 'not_a_ticket'],
    ['an access token’s type', signed(headWith({ typ: 'access+jwt' }), body), 'not_a_ticket'],
    ['no type', signed(headWith({ typ: undefined }), body), 'not_a_ticket'],
    ['no algorithm', `${headWith({ alg: 'none' })}.${body}.`, 'not_a_ticket'],
    ['HS256 said', signed(headWith({ alg: 'HS256' }), body), 'not_a_ticket'],
    [
      'a key of its own inside',
      signed(headWith({ jwk: other.keys.keys[0] }), body, stranger),
      'not_a_ticket',
    ],
    ['a critical extension', signed(headWith({ crit: ['x'], x: 1 }), body), 'not_a_ticket'],
    ['a fourth part', `${text}.x`, 'not_a_ticket'],
    ['the key of another house', other.sign(ticket), 'unknown_key'],
    ['another key under our name', signed(head, body, stranger), 'forged'],
    ['no signature', `${head}.${body}.`, 'forged'],
    ['half a signature', text.slice(0, -40), 'forged'],
    ['another seat', `${head}.${part({ ...said(body), s: ['S-1'] })}.${signature}`, 'forged'],
    [
      'the signature of another',
      signer.sign({ ...ticket, seats: ['S-1'] }).replace(/\.[^.]+\./, `.${body}.`),
      'forged',
    ],
    ['the same signature in other letters', text.slice(0, -1) + lastLetter, 'forged'],
    ['a signature with an end', `${text}=`, 'forged'],
    ['a body that is not one', signed(head, 'e30'), 'not_a_ticket'],
    ['a body with more in it', signed(head, part({ ...said(body), name: 'Mina' })), 'not_a_ticket'],
    ['a ticket for no seat', signed(head, part({ ...said(body), s: [] })), 'not_a_ticket'],
  ])('%s', (_, shown, fault) => {
    expect(readTicket(shown, signer.keys)).toBe(fault);
  });

  test('every ticket of which one letter was changed', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    const read = text.split('').map((letter, at) => {
      const changed = alphabet[(alphabet.indexOf(letter) + 1) % alphabet.length] ?? '';
      return readTicket(text.slice(0, at) + changed + text.slice(at + 1), signer.keys);
    });
    expect(read.filter((one) => typeof one !== 'string')).toEqual([]);
  });
});

function keyOf(bytes: Buffer): KeyObject {
  const { kid: _, ...jwk } = signer.keys.keys[0] ?? { kid: '' };
  return createPrivateKey({ key: { ...jwk, d: bytes.toString('base64url') }, format: 'jwk' });
}
