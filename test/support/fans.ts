import { accessToken, isCaller, type Role } from '@tutti/contracts';
import type { Queryable } from '@tutti/kit/postgres';
import { signedTokens, uuidv7 } from '@tutti/kit/service';
import { Fan } from './client.ts';

/** Access tokens that last a test, signed as the user service signs them. */
export function signsFor(key: Buffer): (userId: string, role?: Role) => string {
  const { type, audience } = accessToken;
  const tokens = signedTokens({ key, type, audience, isClaims: isCaller });
  return (userId, role = 'fan') => tokens.sign({ userId, sessionId: uuidv7(), role }, 36_000);
}

/** Accounts without a password and their access tokens: signing a crowd up would only measure argon2. */
export async function addFans(users: Queryable, key: Buffer, address: string, count: number): Promise<Fan[]> {
  const ids = Array.from({ length: count }, () => uuidv7());
  await users.query(
    `insert into account (id, name, email, password_hash)
     select id, 'Fan', id || '@fans.example', 'none' from unnest($1::uuid[]) id`,
    [ids],
  );
  const sign = signsFor(key);
  return ids.map((userId) => new Fan(address, userId, sign(userId)));
}
