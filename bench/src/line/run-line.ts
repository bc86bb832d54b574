import { closedLoop, type Request } from '../closed-loop.ts';
import type { Answer } from '../connection.ts';
import { cpuSecondsOf, processTrees } from '../processes.ts';
import type { LineSystem, LineSurroundings, RunningLine } from './line-system.ts';
import { steadyPolls, type Polls } from './polls.ts';
import type { LineRun, Rate } from './results.ts';
import { startVarnish, type RunningVarnish } from './varnish.ts';

export type LinePlan = {
  /** Fans of each of the two floods. */
  readonly fans: number;
  readonly clients: number;
  readonly pollClients: number;
  readonly secondsMax: number;
  readonly warmUpSeconds: number;
  /** Of the steady polls while joins flood. */
  readonly pollsPerSecond: number;
};

/** Who joins when: two floods, and those of the warm-up. */
export const crowdSize = ({ fans }: LinePlan): number => 2 * fans + warmUpFans(fans);
const warmUpFans = (fans: number): number => Math.min(fans, 20_000);

const host = '127.0.0.1';

type Parts = { line: RunningLine; varnish: RunningVarnish | null; plan: LinePlan; places: Places };

/** One system, one round; `more` is done with the same line at the end. */
export const runLine = (
  system: LineSystem,
  round: number,
  plan: LinePlan,
  surroundings: LineSurroundings,
  more: (line: RunningLine, varnish: RunningVarnish | null) => Promise<void>,
): Promise<LineRun> =>
  system.during(surroundings, async (line, folder) => {
    const starting = line.isPublic
      ? startVarnish(folder, line.port, surroundings.say)
      : Promise.resolve(null);
    const stop = surroundings.endings.add('Varnish', async () => (await starting.catch(() => null))?.stop());
    try {
      const varnish = await starting;
      const places = new Places();
      const visits = line.visits?.(await warmUp(line, plan, places));
      try {
        const run = await measure({ line, varnish, plan, places }, surroundings.say);
        await more(line, varnish);
        return { system: system.name, round, ...run };
      } finally {
        const entered = await visits?.stop();
        if (entered !== undefined) surroundings.say(`${entered} fans went in meanwhile`);
      }
    } finally {
      await stop();
    }
  });

async function measure(
  { line, varnish, plan, places }: Parts,
  say: (sentence: string) => void,
): Promise<Omit<LineRun, 'system' | 'round'>> {
  const { fans, clients, pollClients, secondsMax, pollsPerSecond } = plan;
  const joining = (first: number, count: number): Promise<Rate> => {
    let at = first;
    return rateOf(line, null, {
      clients,
      secondsMax,
      next: () => (at < first + count ? line.join(at++) : undefined),
      onAnswer: (_, answer) => places.told(answer),
    });
  };
  const before = await line.bytesStored();
  const joins = await joining(0, fans);
  const bytesPerFan = ((await line.bytesStored()) - before) / joins.answers;
  say(`${joins.perSecond} joins/s, p99 ${joins.p99Ms} ms, ${Math.round(bytesPerFan)} bytes a fan`);

  const polling = async (cache: RunningVarnish | null): Promise<Rate> => {
    let at = 0;
    const next = () => line.poll(at++ % joins.answers);
    const rate = await rateOf(line, cache, { clients: pollClients, secondsMax, next });
    say(`${rate.perSecond} polls/s ${cache ? 'through Varnish' : 'of the origin'}, p99 ${rate.p99Ms} ms`);
    return rate;
  };
  const polls = { origin: await polling(null), cache: varnish && (await polling(varnish)) };

  const requests = Array.from({ length: Math.min(joins.answers, 1_000) }, (_, fan) => line.poll(fan));
  const flooding = async (part: number, parts: number, port: number) => {
    const steady = steadyPolls({ port, requests, perSecond: pollsPerSecond, seconds: secondsMax });
    const size = Math.floor(fans / parts);
    const flood = await joining(fans + part * size, size);
    return { flood, polls: await steady };
  };
  const parts = varnish ? 2 : 1;
  const origin = await flooding(0, parts, line.port);
  const cache = varnish && (await flooding(1, parts, varnish.port));
  tellPolls('the origin', origin.polls);
  if (cache) tellPolls('Varnish', cache.polls);
  const flood = { joinsPerSecond: origin.flood.perSecond, origin: origin.polls, cache: cache && cache.polls };
  const violations = [
    ...places.violations(),
    ...strange('joins', joins),
    ...strange('polls', polls.origin),
    ...(polls.cache ? strange('polls through the cache', polls.cache) : []),
  ];
  return { joins, bytesPerFan, flood, polls, violations };

  function tellPolls(where: string, { p50Ms, p99Ms, answered, failed }: Polls): void {
    say(
      `while joins flood, a poll of ${where}: p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${answered} well, ${failed} not`,
    );
  }
}

/** Those who come first; later they go in, so that the line moves. */
async function warmUp(line: RunningLine, { fans, pollClients, warmUpSeconds }: LinePlan, places: Places) {
  const joined: { fan: number; body: string }[] = [];
  let at = 2 * fans;
  await closedLoop({
    host,
    port: line.port,
    clients: pollClients,
    secondsMax: warmUpSeconds,
    next: () => (at < 2 * fans + warmUpFans(fans) ? { ...line.join(at), fan: at++ } : undefined),
    onAnswer: ({ fan }, answer) => {
      places.told(answer);
      joined.push({ fan, body: answer.body });
    },
  });
  return joined;
}

async function rateOf(
  line: RunningLine,
  cache: RunningVarnish | null,
  loop: {
    clients: number;
    secondsMax: number;
    next: () => Request | undefined;
    onAnswer?: (request: Request, answer: Answer) => void;
  },
): Promise<Rate> {
  const cpuSeconds = () => cpuSecondsOf([...line.pids(), ...(cache ? processTrees([cache.pid]) : [])]);
  const before = cpuSeconds();
  const port = cache?.port ?? line.port;
  const { answers, perSecond, p50Ms, p99Ms, byStatus } = await closedLoop({ host, port, ...loop });
  const cpuMsEach = ((cpuSeconds() - before) * 1_000) / Math.max(answers, 1);
  return { clients: loop.clients, answers, perSecond, p50Ms, p99Ms, byStatus, cpuMsEach };
}

/** The places that fans were told: no two the same. */
class Places {
  readonly #told = new Set<number>();
  #twice = 0;
  #strange: string | undefined;

  told({ status, body }: Answer): void {
    const place = /"(?:arrival|number)":(\d+)/.exec(body)?.[1];
    if (status !== 201 || place === undefined) this.#strange ??= `${status} ${body}`;
    else if (this.#told.has(Number(place))) this.#twice++;
    else this.#told.add(Number(place));
  }

  violations(): string[] {
    const twice =
      this.#twice === 0 ? [] : [`${this.#twice} fans were told a place that another had been told.`];
    return this.#strange === undefined ? twice : [...twice, `A join was answered ${this.#strange}`];
  }
}

const strange = (what: string, { byStatus }: Rate): string[] =>
  Object.entries(byStatus)
    .filter(([status]) => !status.startsWith('2'))
    .map(([status, count]) => `${count} ${what} were answered ${status}.`);
