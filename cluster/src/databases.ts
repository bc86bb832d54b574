import { Database, type Connection } from '@tutti/kit/postgres';
import { keptSecret } from '@tutti/kit/service';
import { databaseOf, withDatabase, type ServiceWithDatabase } from './topology.ts';

/** Where a service's database is, or another database of that server; as who may create databases and roles. */
export type ServerOf = (service: ServiceWithDatabase, database?: string) => Connection;

const roleOf = (service: ServiceWithDatabase): string => `tutti_${databaseOf(service)}`;

/**
 * A database per service and a role that owns it and may enter no other. Returns the roles' passwords, which are made once and
 * kept in `secretsFolder`; a role that is there already gets the kept password again.
 */
export async function ensureDatabases(
  admin: ServerOf,
  secretsFolder: string,
): Promise<Record<ServiceWithDatabase, string>> {
  const passwords = await Promise.all(
    withDatabase.map(async (service) => {
      const { value } = await keptSecret(secretsFolder, `postgres-${service}`);
      return [service, value] as const;
    }),
  );
  for (const [service, password] of passwords) {
    const server = new Database(admin(service, 'postgres'), {
      connectionsMax: 1,
      statementTimeoutMs: 60_000,
    });
    try {
      await ensureDatabase(server, service, password);
    } finally {
      await server.close();
    }
    await handOver(admin(service), service);
  }
  // The list of services is the list of keys; `fromEntries` cannot say so.
  const [user = '', concert = '', payment = '', partner = '', orchestrator = '', waitingRoom = ''] =
    passwords.map(([, password]) => password);
  return { user, concert, payment, partner, orchestrator, 'waiting-room': waitingRoom };
}

// Names are ours and passwords base64url: neither can end a literal.
async function ensureDatabase(
  server: Database,
  service: ServiceWithDatabase,
  password: string,
): Promise<void> {
  const role = roleOf(service);
  const name = databaseOf(service);
  const [known] = await server.query('select 1 from pg_roles where rolname = $1', [role]);
  await server.query(
    `${known ? 'alter' : 'create'} role ${role} login nosuperuser nocreatedb nocreaterole password '${password}'`,
  );
  const [there] = await server.query('select 1 from pg_database where datname = $1', [name]);
  if (!there) await server.query(`create database "${name}" owner ${role}`);
  // Nobody but the owner, not even to look around.
  await server.query(`revoke all on database "${name}" from public`);
}

/** What `npm start` made on this data folder belongs to the superuser; the role has to own what it migrates. */
async function handOver(connection: Connection, service: ServiceWithDatabase): Promise<void> {
  const role = roleOf(service);
  const database = new Database(connection, { connectionsMax: 1, statementTimeoutMs: 60_000 });
  try {
    const [row] = await database.query<{ statements: string[] }>(
      `select coalesce(array_agg(statement), '{}') as statements from (
         select format('alter table %s owner to ${role}', c.oid::regclass) as statement from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
           and pg_get_userbyid(c.relowner) <> $1
         union all
         select format('alter type %s owner to ${role}', t.oid::regtype) from pg_type t
         join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
         where t.typnamespace = 'public'::regnamespace and pg_get_userbyid(t.typowner) <> $1
         union all
         select format('alter routine %s owner to ${role}', p.oid::regprocedure) from pg_proc p
         where p.pronamespace = 'public'::regnamespace and pg_get_userbyid(p.proowner) <> $1) s`,
      [role],
    );
    for (const statement of row?.statements ?? []) await database.query(statement);
    await database.query(`alter database "${databaseOf(service)}" owner to ${role}`);
  } finally {
    await database.close();
  }
}

/** The address by which a service's role reaches its database on the server that `admin` reaches. */
export function serviceUrl(server: Connection, service: ServiceWithDatabase, password: string): string {
  const role = roleOf(service);
  if ('url' in server) {
    const url = new URL(server.url);
    url.username = role;
    url.password = password;
    url.pathname = `/${databaseOf(service)}`;
    return url.href;
  }
  const { host, port } = server;
  if (!host.startsWith('/')) return `postgresql://${role}:${password}@${host}:${port}/${databaseOf(service)}`;
  return `postgresql://${role}:${password}@localhost/${databaseOf(service)}?host=${encodeURIComponent(host)}&port=${port}`;
}
