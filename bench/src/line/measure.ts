import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CacheModel } from './cache-model.ts';
import { randomFrom } from '../../../contracts/src/line/chance.fixture.ts';
import { gatherCrowd } from '../crowd.ts';
import type { Endings } from '../endings.ts';
import type { Options } from '../options.ts';
import { describeMachine } from '../report/machine.ts';
import { root } from '../server-process.ts';
import { removeRemains } from '../surroundings.ts';
import { pause } from '../waiting.ts';
import { documentFrom, imagineCrowd, runCrowd } from './crowd-run.ts';
import type { LineSystem, RunningLine } from './line-system.ts';
import { linePage } from './page.ts';
import type { CrowdFigures, LineFigures, LineRun, LongCrowd } from './results.ts';
import { crowdSize, runLine, type LinePlan } from './run-line.ts';
import { describeVarnish, type RunningVarnish } from './varnish.ts';

type Say = (line: string) => void;

const crowdSizes = [10_000, 1_000_000] as const;
const longSeconds = 1_800;
/** What stands in deploy/varnish/waiting-room.vcl: how long an old answer is given while the new one is fetched. */
const graceMs = 5_000;

/** The waiting room, and beside it the usual way. Returns the exit code: 0 when every check held. */
export async function measureWaitingRoom(
  systems: readonly LineSystem[],
  options: Options,
  endings: Endings,
  say: Say,
): Promise<number> {
  const { rounds, quick, secondsMax, warmUpSeconds, seats } = options;
  const plan: LinePlan = {
    fans: seats,
    clients: 256,
    pollClients: 64,
    secondsMax,
    warmUpSeconds,
    pollsPerSecond: 200,
  };
  await removeRemains();
  const chosen = systems.filter(({ name }) => options.systems?.includes(name) ?? true);
  const crowd = gatherCrowd(crowdSize(plan));
  const runs: LineRun[] = [];
  const versions = new Set([`Node.js ${process.versions.node}`]);
  let crowds: Crowds = { crowds: [], longCrowds: [] };
  const publicOnes = new Set<string>();
  for (let round = 1; round <= rounds; round++)
    for (const system of chosen) {
      const tell = (line: string) => say(`round ${round}/${rounds} ${system.name}: ${line}`);
      tell(system.title);
      const run = await runLine(system, round, plan, { crowd, endings, say: tell }, async (line, varnish) => {
        versions.add(await line.describe());
        if (!varnish) return;
        publicOnes.add(system.name);
        versions.add(await describeVarnish(tell));
        if (round === 1) crowds = await measureCrowds(line, varnish, quick ? 10 : 30, tell);
      });
      runs.push(run);
    }
  const figures: LineFigures = {
    at: new Date().toISOString(),
    command: ['npm run bench', '--', ...options.given].join(' '),
    machine: describeMachine(),
    versions: [...versions],
    rounds,
    fans: plan.fans,
    secondsMax,
    pollsPerSecond: plan.pollsPerSecond,
    systems: chosen.map(({ name, title }) => ({ name, title, isPublic: publicOnes.has(name) })),
    runs,
    ...crowds,
  };
  process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : linePage(figures));
  if (options.write) {
    await writeFile(path.join(root, 'docs/figures-waiting-room.md'), linePage(figures));
    say('docs/figures-waiting-room.md was written');
  }
  return runs.some((run) => publicOnes.has(run.system) && run.violations.length > 0) ? 1 : 0;
}

type Crowds = { readonly crowds: readonly CrowdFigures[]; readonly longCrowds: readonly LongCrowd[] };

/** Both crowds through the real cache, then for longer with the model of it that the real runs were compared with. */
async function measureCrowds(
  line: RunningLine,
  varnish: RunningVarnish,
  seconds: number,
  say: Say,
): Promise<Crowds> {
  const { freshMs, body } = await publicDocument(line);
  const crowds: CrowdFigures[] = [];
  const longCrowds: LongCrowd[] = [];
  for (const fans of crowdSizes) {
    const before = await settled(varnish);
    const path = line.poll(0).path;
    const run = await runCrowd({ fans, seconds, port: varnish.port, path, random: randomFrom(fans) });
    const sentOn = (await settled(varnish)) - before;
    const model = new CacheModel({ freshMs, graceMs, fetchMs: 2 });
    for (const atMs of run.sentAtMs) model.request(atMs);
    const { virtualSeconds, realSeconds, polls } = run;
    crowds.push({ fans, virtualSeconds, realSeconds, polls, sentOn, modelSentOn: model.counts.sentOn });
    say(
      `${fans} waiting: ${polls} polls in ${realSeconds.toFixed(1)} s, ${sentOn} of them reached the origin`,
    );
  }
  const document = documentFrom(body);
  for (const fans of crowdSizes) {
    const long = imagineCrowd({
      fans,
      seconds: longSeconds,
      cache: new CacheModel({ freshMs, graceMs, fetchMs: 2 }),
      documentAt: (ms) => ({
        ...document,
        phase: 'open',
        serving: Math.floor((ms / 1_000) * pace),
        pacePerSecond: pace,
      }),
      random: randomFrom(fans),
    });
    longCrowds.push({ fans, virtualSeconds: longSeconds, ...long });
  }
  return { crowds, longCrowds };
}

/** Served a second in the long run: a hall of 10,000 seats is sold in a quarter of an hour to those who buy two each. */
const pace = 20;

/** Workers of the cache add their counts up when they have nothing to do. */
async function settled(varnish: RunningVarnish): Promise<number> {
  await pause(1_000);
  return (await varnish.counts()).sentOn;
}

async function publicDocument(line: RunningLine): Promise<{ freshMs: number; body: string }> {
  const { path } = line.poll(0);
  const response = await fetch(`http://127.0.0.1:${line.port}${path}`, {
    signal: AbortSignal.timeout(10_000),
  });
  const control = response.headers.get('cache-control') ?? '';
  const seconds = /s-maxage=(\d+)/.exec(control)?.[1] ?? /max-age=(\d+)/.exec(control)?.[1];
  if (seconds === undefined || /private|no-store/.test(control))
    throw new Error(`No cache may keep the public document: cache-control is "${control}".`);
  return { freshMs: Number(seconds) * 1_000, body: await response.text() };
}
