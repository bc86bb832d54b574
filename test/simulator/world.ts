import type { Effect, Effects, EffectResult } from '../../services/gateway/src/effects.ts';
import type { Wire } from '../../services/partner/src/wire.ts';
import { Broker } from './broker.ts';
import type { Chance } from './chance.ts';
import { Chronicle } from './chronicle.ts';
import {
  kindsOfMishap,
  noBusFaults,
  noDatabaseFaults,
  roles,
  type Climate,
  type Mishap,
  type Role,
} from './climate.ts';
import { processes } from './processes.ts';
import { Tables } from './tables/tables.ts';
import { VirtualDatabase, type Surroundings } from './virtual-database.ts';
import { watch, watchReply } from './watch.ts';
import { Actor, type VirtualTime } from './virtual-time.ts';

type Process = {
  readonly role: Role;
  readonly place: number;
  actor: Actor;
  effects: Effects | undefined;
};

export type Reply = EffectResult | { readonly kind: 'lost' };

/** A statement that is not what it should be, to see that the checks notice. */
export type Plant = (tables: Tables) => void;

/** The system in one process, on one clock: its own code over a bus and databases as bad as the protocol allows. */
export class World {
  readonly tables: Tables;
  readonly chronicle: Chronicle;
  readonly broker: Broker;
  readonly databases: Readonly<Record<Exclude<Role, 'gateway'>, VirtualDatabase>>;
  readonly outside = new Actor('outside');
  /** What the promoter's system got: how often, and the bytes, by the id of the delivery. */
  readonly receipts = new Map<string, { times: number; body: string }>();
  isTroubled = true;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #climate: Climate;
  readonly #processes: Process[] = [];
  #starts = 0;

  constructor(time: VirtualTime, chance: Chance, climate: Climate, plant: Plant = () => {}) {
    this.#time = time;
    this.#chance = chance;
    this.#climate = climate;
    this.chronicle = new Chronicle(() => time.now);
    this.tables = new Tables(() => time.now, climate.holdSeconds);
    plant(this.tables);
    const around: Surroundings = {
      time,
      chance,
      chronicle: this.chronicle,
      mayDie: (actor: Actor) => this.#mayDie(actor),
    };
    this.broker = new Broker(around, {
      rates: climate.bus,
      delayMaxMs: climate.delayMaxMs,
      watch: (message) => watchReply(this.tables, this.chronicle, message),
    });
    const database = (name: Exclude<Role, 'gateway'>) =>
      new VirtualDatabase(name, {
        around,
        statements: this.tables.statements[name],
        rates: climate.database,
        watch: (...seen) => watch(this.tables, this.chronicle, name, ...seen),
      });
    this.databases = {
      orchestrator: database('orchestrator'),
      user: database('user'),
      concert: database('concert'),
      payment: database('payment'),
      partner: database('partner'),
    };
  }

  begin(): void {
    for (const role of roles)
      for (let place = 1; place <= this.#climate.replicas[role]; place++) {
        const process = { role, place, actor: this.outside, effects: undefined };
        this.#processes.push(process);
        this.#start(process);
      }
    this.#plan();
  }

  /** From now on nothing breaks any more, and what is down comes back. */
  heal(): void {
    this.isTroubled = false;
    this.chronicle.tell('── from here on nothing breaks ──');
    this.broker.heal(noBusFaults);
    for (const database of Object.values(this.databases)) {
      database.rates = noDatabaseFaults;
      database.downUntil = 0;
    }
    for (const { actor } of this.#processes) actor.skewMs = 0;
  }

  /** A request over HTTP to one of the gateways. Nobody answers where that dies meanwhile. */
  request(effect: Effect): Promise<Reply> {
    const gateway = this.#chance.pick(this.#processes.filter(({ role }) => role === 'gateway'));
    return new Promise((done) => {
      const answer = (reply: Reply) =>
        this.#time.later(this.#chance.whole(0, 10), this.outside, () => done(reply));
      this.#time.later(this.#chance.whole(0, 10), this.outside, () => {
        const { effects, actor } = gateway;
        if (!effects || actor.isDead) return answer({ kind: 'lost' });
        this.#time.later(0, actor, () => void effects.run(effect).then(answer));
      });
    });
  }

  // ── processes ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #start(process: Process): void {
    const { role, place } = process;
    const actor = new Actor(`${role}-${place}.${++this.#starts}`);
    process.actor = actor;
    process.effects = undefined;
    const database = this.databases[role === 'gateway' ? 'user' : role].of(actor);
    const means = {
      bus: this.broker.of(actor),
      database,
      newId: () => this.#chance.id(),
      wire: this.#wire(actor),
    };
    this.#time.later(this.#chance.whole(0, 50), actor, () => {
      this.chronicle.tell(`${actor.name} starts`);
      processes[role](means).then(
        (effects) => {
          process.effects = effects;
        },
        () => this.#kill(process, 'branch: a process could not start'),
      );
    });
  }

  /** SIGKILL; whoever looks after it starts it anew. */
  #kill(process: Process, why: string): void {
    const { actor } = process;
    if (actor.isDead) return;
    actor.isDead = true;
    this.chronicle.count(why);
    this.chronicle.tell(`${actor.name} is gone (${why})`);
    this.#time.later(this.#chance.whole(50, 8_000), this.outside, () => this.#start(process));
  }

  #mayDie(actor: Actor): void {
    if (!this.isTroubled || !this.#chance.happens(this.#climate.dieSpeaking)) return;
    const process = this.#processes.find((one) => one.actor === actor);
    if (process) this.#kill(process, `fault: ${process.role} died where it speaks`);
  }

  #wire(actor: Actor): Wire {
    return {
      post: (headers, body) =>
        new Promise((done, failed) => {
          const isDown = this.isTroubled && this.#chance.happens(this.#climate.partnerFails);
          const takesMs = this.#chance.whole(1, isDown ? 10_000 : 20);
          if (isDown && this.#chance.happens(0.5)) {
            this.chronicle.count('fault: the partner answered 500');
            return this.#time.later(takesMs, actor, () => done(500));
          }
          this.#time.later(takesMs / 2, this.outside, () => this.#receive(headers['webhook-id'] ?? '', body));
          if (!isDown) return this.#time.later(takesMs, actor, () => done(204));
          this.chronicle.count('fault: the partner took it and did not say so');
          this.#time.later(10_000, actor, () => failed(new Error('Headers Timeout Error')));
        }),
      close: () => Promise.resolve(),
    };
  }

  #receive(id: string, body: string): void {
    const before = this.receipts.get(id);
    if (before && before.body !== body) this.chronicle.accuse(`the partner got two bodies under ${id}`);
    if (before) this.chronicle.count('branch: the partner got a delivery again');
    this.receipts.set(id, { times: (before?.times ?? 0) + 1, body });
  }

  // ── mishaps ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** When what happens to whom, while there is trouble. */
  #plan(): void {
    const { mishaps, troubleSeconds } = this.#climate;
    for (const mishap of kindsOfMishap) {
      const expected = (mishaps[mishap] * troubleSeconds) / 60;
      const times = Math.floor(expected) + (this.#chance.happens(expected % 1) ? 1 : 0);
      for (let time = 0; time < times; time++)
        this.#time.later(this.#chance.whole(0, troubleSeconds * 1_000), this.outside, () => {
          if (this.isTroubled) this.#strikes[mishap]();
        });
    }
  }

  readonly #strikes: Readonly<Record<Mishap, () => void>> = {
    kill: () => {
      const process = this.#chance.pick(this.#processes);
      this.#kill(process, `fault: ${process.role} was killed`);
    },
    freeze: () => {
      const process = this.#chance.pick(this.#processes);
      const forMs = this.#chance.pick([1_000, 6_000, 15_000, 40_000]);
      process.actor.frozenUntil = Math.max(process.actor.frozenUntil, this.#time.now + forMs);
      this.#strike(process, 'was frozen', forMs);
    },
    cutOff: () => {
      const process = this.#chance.pick(this.#processes);
      const direction = this.#chance.pick(['both', 'fromIt', 'toIt'] as const);
      const forMs = this.#chance.whole(500, 20_000);
      this.broker.cutOff(process.actor, direction, forMs);
      this.#strike(process, `was cut off (${direction})`, forMs);
    },
    databaseDown: () => {
      const database = this.#chance.pick(Object.values(this.databases));
      const forMs = this.#chance.whole(500, 10_000);
      database.downUntil = this.#time.now + forMs;
      this.chronicle.tell(`the ${database.name} database is down for ${forMs} ms`);
    },
    brokerForgets: () => {
      this.chronicle.tell('the broker forgets');
      this.broker.forget();
    },
    queueStalls: () => {
      const service = this.#chance.pick(['user', 'concert', 'concert', 'payment', 'payment', 'partner']);
      const forMs = this.#chance.pick([5_000, 20_000, 45_000]);
      const how = this.#chance.pick(['stall', 'slow'] as const);
      this.broker[how](`${service}.commands`, forMs);
      this.chronicle.count(how === 'slow' ? 'fault: a queue was slow' : 'fault: a queue stood still');
      this.chronicle.tell(`${service}.commands: ${how} for ${forMs} ms`);
    },
    wrongClock: () => {
      const process = this.#chance.pick(this.#processes);
      process.actor.skewMs = this.#chance.pick([-3_600_000, -20_000, 20_000, 3_600_000]);
      this.#strike(process, 'has a wrong clock', process.actor.skewMs);
    },
  };

  #strike({ role, actor }: Process, what: string, ms: number): void {
    this.chronicle.count(`fault: ${role} ${what}`);
    this.chronicle.tell(`${actor.name} ${what}, ${ms} ms`);
  }
}
