import { send } from './client.ts';
import { isRefusal } from './refusal.ts';
import type { Account, Session } from './wire.ts';

/**
 * Who is signed in. The session itself is in a cookie that no script can read; this remembers only that there is one, so that
 * nobody who is signed out has to ask the server about it.
 */
export type Fan = { readonly userId: string; readonly expiresAt: string };

const stored = 'tutti.fan';
const listeners = new Set<() => void>();
let known: { text: string | null; fan: Fan | null } = { text: null, fan: null };

const isFan = (value: unknown): value is Fan =>
  typeof value === 'object' &&
  value !== null &&
  'userId' in value &&
  typeof value.userId === 'string' &&
  'expiresAt' in value &&
  typeof value.expiresAt === 'string';

function read(text: string | null): Fan | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isFan(value) ? value : null;
  } catch {
    return null;
  }
}

/** The same object as long as nothing changed: React compares it. */
export function currentFan(): Fan | null {
  const text = localStorage.getItem(stored);
  if (text !== known.text) known = { text, fan: read(text) };
  return known.fan;
}

export function watchFan(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', listener);
  };
}

function remember(fan: Fan | null): void {
  if (fan) localStorage.setItem(stored, JSON.stringify(fan));
  else localStorage.removeItem(stored);
  for (const listener of listeners) listener();
}

/** The server no longer knows the session. */
export const forgetFan = (): void => remember(null);

export async function signIn(email: string, password: string): Promise<void> {
  const { body } = await send<Session>('POST', '/sessions', { body: { email, password, cookie: true } });
  remember({ userId: body.userId, expiresAt: body.expiresAt });
}

export async function signUp(name: string, email: string, password: string): Promise<void> {
  await send<Account>('POST', '/users', { body: { name, email, password } });
  await signIn(email, password);
}

/** Only the server can end a session: who could not tell it to is still signed in. Who was signed out already is signed out. */
export async function signOut(): Promise<void> {
  try {
    await send('DELETE', '/sessions/current');
  } catch (error) {
    if (!isRefusal(error, 'unauthenticated')) throw error;
  }
  remember(null);
}
