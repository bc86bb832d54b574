import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { currentFan, signIn, signOut } from './session.ts';

let answer: () => Promise<Response>;

beforeEach(async () => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => void kept.set(name, text),
    removeItem: (name: string) => void kept.delete(name),
  });
  vi.stubGlobal('fetch', () => answer());
  answer = () => Promise.resolve(Response.json({ userId: 'mina', expiresAt: '2030-01-01T00:00:00.000Z' }));
  await signIn('mina@example.org', 'a long password');
});
afterEach(() => void vi.unstubAllGlobals());

const refusal = (status: number, code: string) => () => Promise.resolve(Response.json({ code }, { status }));

test.each([
  ['did as it was told', () => Promise.resolve(new Response(null, { status: 204 }))],
  ['knew of no session any more', refusal(401, 'unauthenticated')],
])('who signs out is signed out when the server %s', async (_, answered) => {
  expect(currentFan()?.userId).toBe('mina');
  answer = answered;
  await signOut();
  expect(currentFan()).toBeNull();
});

test.each([
  ['was out of reach', () => Promise.reject(new TypeError('lost'))],
  ['had no time', refusal(503, 'overloaded')],
  ['did not believe it', refusal(403, 'csrf_rejected')],
])('who signs out is still signed in when the server %s', async (_, answered) => {
  answer = answered;
  await expect(signOut()).rejects.toThrow(/./);
  expect(currentFan()?.userId).toBe('mina');
});
