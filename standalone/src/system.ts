import { startConcert } from '@tutti/concert';
import { startGateway } from '@tutti/gateway';
import { InProcessBus } from '@tutti/kit/messaging';
import type { Connection } from '@tutti/kit/postgres';
import { keptSecret, type Log } from '@tutti/kit/service';
import { startTelemetry } from '@tutti/kit/telemetry';
import { startOrchestrator } from '@tutti/orchestrator';
import { startPartner } from '@tutti/partner';
import { startPayment } from '@tutti/payment';
import { startUser } from '@tutti/user';
import { startWaitingRoom } from '@tutti/waiting-room';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Config } from './config.ts';

/** One database per service, also here. */
export const databaseNames = [
  'orchestrator',
  'user',
  'concert',
  'payment',
  'partner',
  'waiting_room',
] as const;
export type DatabaseName = (typeof databaseNames)[number];

export type System = {
  readonly address: string;
  /**
   * In the order in which nothing accepted is lost: the door, the sagas, their participants, the bus. Without `patience`, for
   * when the databases are gone, it waits for nobody's answer.
   */
  stop(patience?: boolean): Promise<void>;
};

/** All services in one process, wired by hand. They share a bus and nothing else. */
export async function startSystem(
  config: Config,
  connection: (name: DatabaseName) => Connection,
  log: Log,
  /** Runs when every service is up and before the door opens. */
  beforeOpen: () => Promise<void> = async () => {},
): Promise<System> {
  const secretsFolder = path.join(config.dataDir, 'secrets');
  const accessTokenSecret = await keptSecret(secretsFolder, 'access-token-key');
  const partnerSecret =
    config.partnerSecret ??
    (await keptSecret(secretsFolder, 'partner-secret', () => `whsec_${randomBytes(24).toString('base64')}`))
      .value;
  const accessTokenKey = Buffer.from(accessTokenSecret.value, 'base64url');
  const admissionTokenSecret = await keptSecret(secretsFolder, 'admission-token-key');
  const admissionTokenKey = Buffer.from(admissionTokenSecret.value, 'base64url');
  const ticketSecret = await keptSecret(secretsFolder, 'ticket-key');
  const telemetry = startTelemetry({ service: 'standalone', log, config: config.telemetry });
  const bus = telemetry.watchBus(new InProcessBus());
  const of = (service: DatabaseName) => ({
    bus,
    connection: connection(service),
    log: log.child({ service }),
    telemetry: telemetry.of(service),
  });

  const user = await startUser({ ...of('user'), accessTokenKey, secretsFolder });
  const concert = await startConcert({ ...of('concert'), holdSeconds: config.holdSeconds });
  const payment = await startPayment(of('payment'));
  const partner = await startPartner({ ...of('partner'), secret: partnerSecret });
  const waitingRoom = await startWaitingRoom({
    ...of('waiting_room'),
    sales: concert.sales,
    admissionTokenKey,
    admissionSeconds: config.admissionSeconds,
  });
  const orchestrator = await startOrchestrator({ ...of('orchestrator'), alone: true });
  await beforeOpen();
  const gateway = await startGateway({
    bus,
    log: log.child({ service: 'gateway' }),
    host: config.host,
    port: config.port,
    users: user.queries,
    concerts: concert.queries,
    payments: payment.queries,
    operations: orchestrator.queries,
    deliveries: partner.queries,
    sales: concert.sales,
    line: waitingRoom.queries,
    partnerStub: config.partnerUrl ? null : partner.stub,
    accessTokenKey,
    admissionTokenKey,
    ticketKey: Buffer.from(ticketSecret.value, 'base64url'),
    rateLimits: config.rateLimits,
    chargesEnabled: config.chargesEnabled,
    checks: {
      user: user.ready,
      concert: concert.ready,
      payment: payment.ready,
      partner: partner.ready,
      orchestrator: orchestrator.ready,
      'waiting-room': waitingRoom.ready,
    },
    webDir: config.webDir,
    telemetry: telemetry.of('gateway'),
    metrics:
      config.metrics === 'off'
        ? undefined
        : { page: () => telemetry.metrics(), reach: config.metrics === 'on' ? 'everybody' : 'this machine' },
  });
  partner.deliverTo(config.partnerUrl ?? new URL(`${gateway.address}/partner-stub`));

  return {
    address: gateway.address,
    stop: async (patience = true) => {
      await gateway.stop(patience);
      await orchestrator.stop(patience ? config.drainSeconds * 1_000 : 0);
      await waitingRoom.stop();
      await Promise.all([user.stop(), concert.stop(), payment.stop(), partner.stop()]);
      await bus.close();
      await telemetry.stop();
    },
  };
}
