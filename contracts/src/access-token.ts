import type { Caller, Role } from './queries.ts';

/** The kind of an access token: the user service signs it, the gateway checks it. */
export const accessToken = { type: 'at+jwt', audience: 'tutti', hours: 12 } as const;

const roles: readonly string[] = ['fan', 'promoter', 'operator'] satisfies Role[];

export const isCaller = (payload: object): payload is Caller =>
  'userId' in payload &&
  typeof payload.userId === 'string' &&
  'sessionId' in payload &&
  typeof payload.sessionId === 'string' &&
  'role' in payload &&
  typeof payload.role === 'string' &&
  roles.includes(payload.role);
