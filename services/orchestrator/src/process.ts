import { runProcess } from '@tutti/kit/process';
import { startOrchestrator } from './main.ts';
import { serveOrchestrator } from './rpc.ts';

await runProcess('orchestrator', async ({ env, bus, log, telemetry }) => {
  const connection = { url: env.required('DATABASE_URL', 'where the database of this service is') };
  const drainSeconds = env.integer('DRAIN_SECONDS', 10, { min: 0, max: 600 });
  env.check();
  // Other replicas drive sagas too: only those whose driver is gone are taken.
  const orchestrator = await startOrchestrator({ bus, connection, log, alone: false, telemetry });
  return {
    ready: () => orchestrator.ready(),
    detail: async () => ({ sagasOfOtherBuilds: await orchestrator.ofOtherBuilds() }),
    stop: () => orchestrator.stop(drainSeconds * 1_000),
    serve: (server) => serveOrchestrator(server, orchestrator.queries),
  };
});
