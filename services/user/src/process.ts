import { runProcess } from '@tutti/kit/process';
import { startUser } from './main.ts';
import { serveUser } from './rpc.ts';

await runProcess('user', async ({ env, bus, log, telemetry }) => {
  const connection = { url: env.required('DATABASE_URL', 'where the database of this service is') };
  const key = env.required('ACCESS_TOKEN_KEY', 'what access tokens are signed with, 32 bytes in base64url');
  const secretsFolder = env.required('SECRETS_DIR', 'where the first promoter finds the password');
  env.check();
  const accessTokenKey = Buffer.from(key, 'base64url');
  const user = await startUser({ bus, connection, log, accessTokenKey, secretsFolder, telemetry });
  return { ...user, serve: (server) => serveUser(server, user.queries) };
});
