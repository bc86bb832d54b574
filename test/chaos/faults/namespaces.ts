import { Keeper } from '@tutti/cluster/keeper';
import { createLog } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Arena } from '../../support/arena.ts';
import { Passage } from '../../support/passage.ts';
import { isReady, type ReplicaProcess } from '../../support/replicas.ts';
import type { Fault, Scene } from '../fault.ts';
import { Namespace } from '../namespace.ts';

const outages = {
  'both ways': (network: Namespace) => network.unplug(),
  'nothing out': (network: Namespace) => network.silence(),
  'nothing in': (network: Namespace) => network.deafen(),
} as const;
type Outage = keyof typeof outages;

const targets = (['orchestrator-2', 'concert-2'] as const).flatMap((name) =>
  (['both ways', 'nothing out', 'nothing in'] as const).map((outage) => ({ name, outage })),
);
const titleOf = ({ name, outage }: { name: string; outage: Outage }): string => `${name}: ${outage}`;

/** What a process was started with. */
const environmentOf = (pid: number): Record<string, string> =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .flatMap((line) => {
        const at = line.indexOf('=');
        return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
      }),
  );

/** A replica of the arena, started again in a network of its own. */
class Exile {
  readonly #arena: Arena;
  readonly #replica: ReplicaProcess;
  readonly #network: Namespace;
  readonly #doors: Passage[] = [];
  #keeper: Keeper | undefined;

  constructor(arena: Arena, replica: ReplicaProcess, network: Namespace) {
    this.#arena = arena;
    this.#replica = replica;
    this.#network = network;
  }

  async begin(): Promise<void> {
    const { name, service } = this.#replica;
    const env = environmentOf(this.#replica.pid());
    await this.#homeKeeper.stop();
    for (const [variable, other] of [
      ['NATS_URL', 'nats'],
      ['DATABASE_URL', 'postgres'],
    ] as const)
      env[variable] = await this.#door(env[variable] ?? '', this.#arena.passage(name, other));
    env['HOST'] = this.#network.address;
    for (const passage of this.#arena.passagesTo(name)) this.#lead(passage, this.#network.address);
    const file = new URL(`../../../services/${service}/src/process.ts`, import.meta.url).pathname;
    const inside = this.#network.inside(process.execPath, [file]);
    const kept = { name, ...inside, env: () => env, isOurs: true };
    this.#keeper = new Keeper(kept, createLog('silent'), this.#arena.write);
    this.#keeper.start();
    await until(`${name} is ready in its own network`, () => this.isReady(), 60_000);
  }

  /** As it says itself to somebody inside its network. */
  async isReady(): Promise<boolean> {
    const script = `fetch(process.argv[1]).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;
    const url = `http://${this.#network.address}:${this.#replica.healthPort}/readyz`;
    const { program, args } = this.#network.inside(process.execPath, ['-e', script, url]);
    return promisify(execFile)(program, [...args]).then(
      () => true,
      () => false,
    );
  }

  /** Back where it was. */
  async end(): Promise<void> {
    await this.#keeper?.stop();
    for (const passage of this.#arena.passagesTo(this.#replica.name)) this.#lead(passage, '127.0.0.1');
    this.#homeKeeper.start();
    for (const door of this.#doors) await door.close();
    await this.#network.close();
    await until(`${this.#replica.name} is ready at home`, () => isReady(this.#replica), 60_000);
  }

  get #homeKeeper(): Keeper {
    const keeper = this.#arena.cluster.keepers.get(this.#replica.name);
    if (!keeper) throw new Error(`Nothing keeps ${this.#replica.name}.`);
    return keeper;
  }

  /** A way to an engine that begins at our end of the cable. */
  async #door(text: string, behind: Passage): Promise<string> {
    const door = await Passage.open(this.#network.hostAddress);
    this.#doors.push(door);
    door.target = { host: '127.0.0.1', port: behind.port };
    const url = new URL(text);
    url.hostname = this.#network.hostAddress;
    url.port = String(door.port);
    return url.href;
  }

  #lead(passage: Passage, host: string): void {
    if (passage.target && 'port' in passage.target) passage.target = { ...passage.target, host };
    passage.break();
  }
}

async function struck(scene: Scene, name: string, outage: Outage): Promise<() => Promise<void>> {
  const { arena, count } = scene;
  const network = await Namespace.open((why) => count(`network namespaces are not allowed here: ${why}`));
  // The cuts by passages stand for it.
  if (!network) return async () => count('a replica was behind a dead link');
  const exile = new Exile(arena, arena.replica(name), network);
  await exile.begin();
  await scene.pause(1_000);
  await outages[outage](network);
  await until(`${name} says that it is not ready`, async () => !(await exile.isReady()), 30_000);
  count('a replica was behind a dead link');
  return async () => {
    await network.heal();
    await until(`${name} is ready again`, () => exile.isReady(), 90_000);
    count('a replica came back by the same link');
    await exile.end();
  };
}

export const namespaceFault: Fault = {
  name: 'link down',
  promise:
    'A replica in a network of its own whose cable is pulled, or carries one way only, comes back by itself.',
  targets: targets.map(titleOf),
  evidence: ['a replica was behind a dead link'],
  touches: (target) => {
    const [name = ''] = target.split(':');
    return ['a network cut', name, `the ways of ${name}`];
  },
  seconds: { alone: 20, chaos: 8 },
  strike: async (scene, target) => {
    const found = targets.find((one) => titleOf(one) === target);
    if (!found) throw new Error(`There is no ${target}.`);
    return struck(scene, found.name, found.outage);
  },
};
