import { concert, partner, payment, user } from '@tutti/contracts';
import { Lease } from '@tutti/kit/lock';
import type { Bus } from '@tutti/kit/messaging';
import { Participant } from '@tutti/kit/participant';
import type { Queryable } from '@tutti/kit/postgres';
import { Runner, SagaStore } from '@tutti/kit/saga';
import { createLog } from '@tutti/kit/service';
import { HoldExpirer } from '../../services/concert/src/hold-expirer.ts';
import { Effects } from '../../services/gateway/src/effects.ts';
import { encodeAnswer } from '../../services/orchestrator/src/answers.ts';
import { sagas } from '../../services/orchestrator/src/main.ts';
import { Deliverer } from '../../services/partner/src/deliverer.ts';
import { PartnerStore } from '../../services/partner/src/store.ts';
import { WebhookSigner } from '../../services/partner/src/webhook.ts';
import type { Wire } from '../../services/partner/src/wire.ts';
import { findUsers } from '../../services/user/src/main.ts';
import { UserStore } from '../../services/user/src/store.ts';
import type { Role } from './climate.ts';

/** What a process has of the world. */
export type Means = {
  readonly bus: Bus;
  readonly database: Queryable;
  readonly newId: () => string;
  readonly wire: Wire;
};

const log = createLog('silent');
const signer = new WebhookSigner('simulated');
const namesOf = (commands: Readonly<Record<string, { readonly name: string }>>): string[] =>
  Object.values(commands).map(({ name }) => name);

/**
 * Begins a process of each service, as its `main.ts` does: the product's own code, on what it is given. Resolves once it is
 * up; to what takes requests, where it is a gateway.
 */
export const processes: Readonly<Record<Role, (means: Means) => Promise<Effects | undefined>>> = {
  gateway: async ({ bus, newId }) => new Effects(bus, log, undefined, newId),

  orchestrator: async ({ bus, database, newId }) => {
    const runner = new Runner({
      bus,
      log,
      alone: false,
      store: new SagaStore(database),
      definitions: sagas,
      encode: encodeAnswer,
      owner: newId(),
      // So few that some starts are refused for want of room.
      liveMax: 8,
      unwrittenMax: 2,
      shares: { 'reserve-seats': 0.75, 'charge-points': 0.75 },
    });
    await runner.start();
    return undefined;
  },

  user: async ({ bus, database }) => {
    const reads = { [user.find.name]: findUsers(new UserStore(database)) };
    void new Participant({ bus, log, service: 'user', database, effects: [], reads });
    return undefined;
  },

  concert: async ({ bus, database, newId }) => {
    void new Participant({ bus, log, service: 'concert', database, effects: namesOf(concert) });
    const lease = new Lease({ database, name: 'expire-holds', owner: newId(), seconds: 5 });
    void new HoldExpirer({ database, lease, log });
    return undefined;
  },

  payment: async ({ bus, database }) => {
    void new Participant({ bus, log, service: 'payment', database, effects: namesOf(payment) });
    return undefined;
  },

  partner: async ({ bus, database, wire }) => {
    const deliverer = new Deliverer({ store: new PartnerStore(database), signer, log, wire });
    const effects = namesOf(partner);
    const afterCommit = (batch: readonly { saga: string }[]) =>
      deliverer.deliver(batch.map(({ saga }) => saga));
    void new Participant({ bus, log, service: 'partner', database, effects, afterCommit });
    return undefined;
  },
};
