import { runProcess } from '@tutti/kit/process';
import { withinTrace } from '@tutti/kit/rpc';
import { readRateLimits, startGateway } from './main.ts';
import { remoteQueries } from './rpc.ts';

/** Twice as long as the balancer needs to see that a gateway says it is leaving (deploy/haproxy.cfg: two checks, half a second apart). */
const noticeMs = 3_000;

await runProcess('gateway', async ({ env, bus, log, host, telemetry }) => {
  const port = env.integer('PORT', 3000, { min: 0, max: 65_535 });
  const key = env.required('ACCESS_TOKEN_KEY', 'what access tokens are checked with, 32 bytes in base64url');
  const admissionKey = env.required(
    'ADMISSION_TOKEN_KEY',
    'what admissions are checked with, 32 bytes in base64url',
  );
  const ticketKey = env.required('TICKET_KEY', 'what tickets are signed with, 32 bytes in base64url');
  const addresses = (name: string) => env.required(name, 'where the replicas of that service answer');
  const { checks, close, ...queries } = remoteQueries(
    {
      user: addresses('USER_ADDRESSES'),
      concert: addresses('CONCERT_ADDRESSES'),
      payment: addresses('PAYMENT_ADDRESSES'),
      partner: addresses('PARTNER_ADDRESSES'),
      orchestrator: addresses('ORCHESTRATOR_ADDRESSES'),
      'waiting-room': addresses('WAITING_ROOM_ADDRESSES'),
    },
    telemetry.spans,
  );
  const rateLimits = readRateLimits(env);
  const redisUrl = env.optional('REDIS_URL');
  const chargesEnabled = env.oneOf('POINT_CHARGES', 'off', ['demo', 'off']) === 'demo';
  const webDir = env.optional('WEB_DIR');
  env.check();
  const gateway = await startGateway({
    ...queries,
    bus,
    log,
    host,
    port,
    partnerStub: null,
    accessTokenKey: Buffer.from(key, 'base64url'),
    admissionTokenKey: Buffer.from(admissionKey, 'base64url'),
    ticketKey: Buffer.from(ticketKey, 'base64url'),
    rateLimits,
    ...(redisUrl !== undefined && { redisUrl }),
    chargesEnabled,
    webDir,
    checks,
    telemetry,
    withinTrace,
  });
  return {
    // What is behind it is behind every gateway: to take them all out for that would leave fans with nobody to tell them.
    ready: async () => {},
    noticeMs,
    stop: async () => {
      await gateway.stop();
      close();
    },
  };
});
