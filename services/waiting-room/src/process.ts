import { SaleService } from '@tutti/contracts/wire/sale';
import { runProcessOffBus } from '@tutti/kit/process';
import { rpcClient } from '@tutti/kit/rpc';
import { saleQueries } from './catalogue.ts';
import { joinsMost, startWaitingRoom } from './main.ts';
import { serveWaitingRoom } from './rpc.ts';

await runProcessOffBus('waiting-room', async ({ env, log, telemetry }) => {
  const connection = { url: env.required('DATABASE_URL', 'where the database of this service is') };
  const key = env.required('ADMISSION_TOKEN_KEY', 'what admissions are signed with, 32 bytes in base64url');
  const addresses = env.required('CONCERT_ADDRESSES', 'where the replicas of the concert service answer');
  const admissionSeconds = env.integer('ADMISSION_SECONDS', 600, { min: 5, max: 86_400 });
  env.check();
  const concert = rpcClient(SaleService, addresses, { spans: telemetry.spans });
  const waitingRoom = await startWaitingRoom({
    connection,
    log,
    telemetry,
    admissionSeconds,
    sales: saleQueries(concert.call),
    admissionTokenKey: Buffer.from(key, 'base64url'),
  });
  return {
    ready: waitingRoom.ready,
    serve: (server) => serveWaitingRoom(server, waitingRoom.queries),
    // A crowd that joins at once waits for its batch: there is room for as many calls as may wait.
    callsMax: joinsMost.waitingMax,
    stop: async () => {
      await waitingRoom.stop();
      concert.close();
    },
  };
});
