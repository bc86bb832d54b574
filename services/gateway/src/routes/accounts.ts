import * as http from '@tutti/contracts/http';
import type { Session } from '@tutti/contracts';
import * as z from 'zod';
import type { GatewayParts } from '../parts.ts';
import { limit } from '../rate-limits.ts';
import { sessionCookie } from '../callers.ts';
import { Refused } from '../problems.ts';
import { callerOf, type TypedApp } from './route.ts';

const tags = ['accounts'];

export function accountRoutes(app: TypedApp, { users, concerts, callers, rateLimits }: GatewayParts): void {
  app.post(
    '/users',
    {
      config: { refuses: ['email_taken'] },
      schema: {
        tags,
        summary: 'Sign up',
        body: http.newAccount,
        response: { 201: http.account },
      },
    },
    async ({ body }, reply) => {
      const account = await users.signUp(body);
      if (account === 'email_taken' || account === 'overloaded') throw new Refused(account);
      return reply.code(201).send(account);
    },
  );

  app.get(
    '/users/me',
    {
      config: { access: 'fan' },
      schema: { tags, summary: 'Who I am', response: { 200: http.me } },
    },
    async (request) => {
      const account = await users.account(callerOf(request).userId);
      if (!account) throw new Refused('unauthenticated');
      return account;
    },
  );

  app.delete(
    '/users/me',
    {
      config: { access: 'fan', refuses: ['invalid_credentials', 'account_has_reservations'] },
      schema: {
        tags,
        summary: 'Delete my account: personal data is erased, the ledger kept by id',
        body: http.accountDeletion,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { userId } = callerOf(request);
      await limit(rateLimits, ['sign-ins'], userId);
      if (await concerts.hasReservations(userId)) throw new Refused('account_has_reservations');
      const result = await users.deleteAccount(userId, request.body.password);
      if (result !== 'deleted') throw new Refused(result);
      callers.endAll(userId);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/sessions',
    {
      config: { refuses: ['invalid_credentials', 'rate_limited'], tells: ['Set-Cookie'] },
      schema: {
        tags,
        summary: 'Sign in',
        body: http.newSession,
        response: { 201: http.session },
      },
    },
    async ({ body }, reply) => {
      reply.header('cache-control', 'no-store');
      // Per account asked for, never per address alone: a school behind one address may all be fans.
      await limit(rateLimits, ['sign-ins'], body.email.toLowerCase());
      const session = await users.signIn(body.email, body.password);
      if (session === 'invalid_credentials' || session === 'overloaded') throw new Refused(session);
      if (body.cookie !== true) return reply.code(201).send(session);
      const { accessToken: _, ...told } = session;
      return reply.code(201).header('set-cookie', cookieOf(session)).send(told);
    },
  );

  app.delete(
    '/sessions/current',
    {
      config: { access: 'fan' },
      schema: {
        tags,
        summary: 'Sign out',
        body: http.noBody,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await callers.end(callerOf(request));
      return reply
        .code(204)
        .header('set-cookie', `${sessionCookie}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`)
        .send(null);
    },
  );
}

function cookieOf({ accessToken, expiresAt }: Session): string {
  const expires = new Date(expiresAt).toUTCString();
  return `${sessionCookie}=${accessToken}; Path=/; Secure; HttpOnly; SameSite=Lax; Expires=${expires}`;
}
