import { runProcess } from '@tutti/kit/process';
import { startPayment } from './main.ts';
import { servePayment } from './rpc.ts';

await runProcess('payment', async ({ env, bus, log, telemetry }) => {
  const connection = { url: env.required('DATABASE_URL', 'where the database of this service is') };
  env.check();
  const payment = await startPayment({ bus, connection, log, telemetry });
  return { ...payment, serve: (server) => servePayment(server, payment.queries) };
});
