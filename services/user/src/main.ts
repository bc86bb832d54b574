import { accessToken, isCaller, user, type UserQueries } from '@tutti/contracts';
import type { Bus } from '@tutti/kit/messaging';
import { Participant, type Reader } from '@tutti/kit/participant';
import { Database, migrate, type Connection } from '@tutti/kit/postgres';
import { keptSecret, signedTokens, uuidv7, type Log } from '@tutti/kit/service';
import { watchDatabase, type ServiceTelemetry } from '@tutti/kit/telemetry';
import { randomBytes } from 'node:crypto';
import { Passwords, PasswordsBusy } from './passwords.ts';
import { UserStore } from './store.ts';

// No journal: this service only answers questions, and reads are not journaled.
export const userMigrations = [{ name: 'user', folder: new URL('../migrations/', import.meta.url) }];

/**
 * Longer than any token lives, also one that was signed by a clock hours ahead, or is checked by one hours behind: a session
 * that was ended stays ended.
 */
const endedHours = 2 * accessToken.hours;

export type UserService = { queries: UserQueries; ready(): Promise<void>; stop(): Promise<void> };

export type UserOptions = {
  bus: Bus;
  connection: Connection;
  log: Log;
  accessTokenKey: Buffer;
  /** Where the first promoter's password is kept. */
  secretsFolder: string;
  telemetry?: ServiceTelemetry | undefined;
};

export async function startUser(options: UserOptions): Promise<UserService> {
  const { bus, connection, log, accessTokenKey, secretsFolder, telemetry } = options;
  const database = new Database(connection);
  await migrate(database, userMigrations);
  const store = new UserStore(database);
  const passwords = new Passwords();
  const participant = new Participant({
    bus,
    log,
    database,
    service: 'user',
    effects: [],
    reads: { [user.find.name]: findUsers(store) },
    telemetry,
  });
  await ensurePromoter(store, passwords, secretsFolder, log);
  const ready = async () => {
    await database.query('select 1');
  };
  if (telemetry) watchDatabase(telemetry, 'user', ready);
  return {
    queries: queries(store, passwords, accessTokenKey),
    ready,
    stop: async () => {
      await participant.stop();
      await database.close();
    },
  };
}

/** `user.find`, a batch at a time. */
export const findUsers =
  (store: UserStore): Reader =>
  async (bodies) => {
    const ids = bodies.map((body) =>
      typeof body === 'object' && body !== null && 'userId' in body ? String(body.userId) : '',
    );
    const existing = await store.existing(ids);
    return ids.map((userId) =>
      existing.has(userId) ? { ok: { userId } } : { refused: { code: 'user_not_found', data: {} } },
    );
  };

function queries(store: UserStore, passwords: Passwords, key: Buffer): UserQueries {
  const tokens = signedTokens({
    key,
    type: accessToken.type,
    audience: accessToken.audience,
    isClaims: isCaller,
  });
  return {
    signUp: async ({ name, email, password }) => {
      const hash = await passwords.hash(password).catch(overloaded);
      if (hash === 'overloaded') return hash;
      const account = { userId: uuidv7(), name, email: email.toLowerCase() };
      const isNew = await store.insertAccount({ ...account, passwordHash: hash, role: 'fan' });
      return isNew ? account : 'email_taken';
    },
    signIn: async (email, password) => {
      const account = await store.credentials(email.toLowerCase());
      const matches = await passwords.matches(password, account?.passwordHash ?? null).catch(overloaded);
      if (matches === 'overloaded') return matches;
      if (!account || !matches) return 'invalid_credentials';
      const { userId, role } = account;
      const seconds = accessToken.hours * 3_600;
      const expiresAt = new Date(Date.now() + seconds * 1_000).toISOString();
      return { accessToken: tokens.sign({ userId, role, sessionId: uuidv7() }, seconds), expiresAt, userId };
    },
    signOut: (caller) => store.endSession(caller, endedHours),
    account: (userId) => store.account(userId),
    deleteAccount: async (userId, password) => {
      const matches = await passwords.matches(password, await store.passwordHash(userId)).catch(overloaded);
      if (matches === 'overloaded') return matches;
      if (!matches) return 'invalid_credentials';
      await store.eraseAccount(userId);
      return 'deleted';
    },
    endedSessions: () => store.endedSessions(endedHours),
  };
}

function overloaded(error: unknown): 'overloaded' {
  if (error instanceof PasswordsBusy) return 'overloaded';
  throw error;
}

const promoterEmail = 'promoter@tutti.example';

/** The first account that may edit the catalogue. Its password is in a file of its own; only the path is told. */
async function ensurePromoter(
  store: UserStore,
  passwords: Passwords,
  folder: string,
  log: Log,
): Promise<void> {
  if (await store.hasRole('promoter')) return;
  const secret = await keptSecret(folder, 'promoter-password', () => randomBytes(18).toString('base64url'));
  const passwordHash = await passwords.hash(secret.value);
  await store.insertAccount({
    userId: uuidv7(),
    name: 'Promoter',
    email: promoterEmail,
    passwordHash,
    role: 'promoter',
  });
  log.info({ passwordFile: secret.path }, 'the promoter account was created');
}
