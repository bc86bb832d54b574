import { runProcess } from '@tutti/kit/process';
import { startConcert } from './main.ts';
import { serveConcert } from './rpc.ts';

await runProcess('concert', async ({ env, bus, log, telemetry }) => {
  const connection = { url: env.required('DATABASE_URL', 'where the database of this service is') };
  const holdSeconds = env.integer('HOLD_SECONDS', 300, { min: 1, max: 86_400 });
  env.check();
  const concert = await startConcert({ bus, connection, log, holdSeconds, telemetry });
  return { ...concert, serve: (server) => serveConcert(server, concert.queries, concert.sales) };
});
