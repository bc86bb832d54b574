import type { UserQueries } from '@tutti/contracts';
import {
  accountToWire,
  deletionToWire,
  roles,
  signInToWire,
  signUpToWire,
  UserService,
} from '@tutti/contracts/wire/user';
import type { RpcServer } from '@tutti/kit/rpc';

/** Answers the queries of others over gRPC. */
export function serveUser(server: RpcServer, queries: UserQueries): void {
  server.serve(UserService, {
    signUp: async ({ name, email, password }) =>
      signUpToWire(await queries.signUp({ name, email, password })),
    signIn: async ({ email, password }) => signInToWire(await queries.signIn(email, password)),
    signOut: async ({ userId, sessionId, role }) => {
      await queries.signOut({ userId, sessionId, role: roles.fromWire(role) });
      return {};
    },
    account: async ({ userId }) => {
      const account = await queries.account(userId);
      return { ...(account && { account: accountToWire(account) }) };
    },
    deleteAccount: async ({ userId, password }) =>
      deletionToWire(await queries.deleteAccount(userId, password)),
    endedSessions: async () => ({ ids: await queries.endedSessions() }),
  });
}
