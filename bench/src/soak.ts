import { readFileSync } from 'node:fs';
import { closedLoop } from './closed-loop.ts';
import { gatherCrowd, payRequest, reserveRequest, type Crowd, type FanRequest } from './crowd.ts';
import type { Endings } from './endings.ts';
import type { Options } from './options.ts';
import { residentMiB } from './processes.ts';
import { seed, stages } from './seed.ts';
import { withRunning } from './surroundings.ts';
import type { RunningSystem } from './system.ts';
import { ours } from './systems/ours.ts';

const clients = 64;
const fans = 20_000;

type Minute = {
  readonly minute: number;
  readonly perSecond: number;
  readonly nodeMiB: number;
  readonly postgresMiB: number;
  readonly strange: number;
};

/** Our memory, minute by minute, while fans reserve, pay and cancel without end. Returns the exit code: 1 when an answer was none of those expected. */
export async function soak(
  minutes: number,
  options: Options,
  endings: Endings,
  say: (line: string) => void,
): Promise<number> {
  const crowd = gatherCrowd(fans);
  const seen = await withRunning(ours, crowd, endings, async (running) => {
    await seed(running, crowd, { main: fans, warmUp: 1, race: 1 });
    const work = new Work(crowd);
    const told: Minute[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      const one = await oneMinute(minute, running, work);
      told.push(one);
      say(`minute ${minute}: ${one.perSecond}/s, node ${one.nodeMiB} MiB, postgres ${one.postgresMiB} MiB`);
    }
    return told;
  });
  process.stdout.write(options.json ? `${JSON.stringify(seen)}\n` : tableOf(seen));
  return seen.some(({ strange }) => strange > 0) ? 1 : 0;
}

async function oneMinute(minute: number, running: RunningSystem, work: Work): Promise<Minute> {
  const before = work.strange;
  const { perSecond } = await closedLoop({
    host: '127.0.0.1',
    port: running.port,
    clients,
    secondsMax: 60,
    next: () => work.next(),
    onAnswer: ({ answered }, { status, body }) => answered(status, body),
  });
  const { node = [], postgres = [] } = running.pids();
  return {
    minute,
    perSecond,
    nodeMiB: residentMiB(node),
    postgresMiB: proportionalMiB(postgres),
    strange: work.strange - before,
  };
}

type Step = FanRequest & { readonly answered: (status: number, body: string) => void };

/** Every seat goes round: reserved, paid unless its fan has no points, cancelled, reserved again under another key. */
class Work {
  readonly #crowd: Crowd;
  readonly #ready: Step[] = [];
  #nextSeat = 0;
  #turn = 0;
  strange = 0;

  constructor(crowd: Crowd) {
    this.#crowd = crowd;
  }

  next(): Step | undefined {
    const ready = this.#ready.pop();
    if (ready || this.#nextSeat >= this.#crowd.fans.length) return ready;
    return this.#reserve(this.#nextSeat++);
  }

  #reserve(seat: number): Step {
    const request = this.#keyed(reserveRequest(this.#crowd, { performance: stages.main, fan: seat, seat }));
    return {
      ...request,
      answered: (status, body) => {
        const id = /"reservationId":"([0-9a-f-]{36})"/.exec(body)?.[1];
        if (status === 201 && id !== undefined) this.#ready.push(this.#pay(request, id));
        else this.strange++;
      },
    };
  }

  #pay(reserved: FanRequest, id: string): Step {
    const request = this.#keyed(payRequest(this.#crowd, reserved, id));
    return {
      ...request,
      answered: (status) => {
        if (status !== 201 && status !== 402) this.strange++;
        this.#ready.push(this.#cancel(reserved, id));
      },
    };
  }

  #cancel(reserved: FanRequest, id: string): Step {
    const pay = payRequest(this.#crowd, reserved, id);
    const request = this.#keyed({ ...pay, path: pay.path.replace(/payment$/, 'cancellation') });
    return {
      ...request,
      answered: (status) => {
        if (status !== 200) this.strange++;
        // To the other end: seats take turns, so that nobody meets the same one again at once.
        this.#ready.unshift(this.#reserve(reserved.seat));
      },
    };
  }

  #keyed(request: FanRequest): FanRequest {
    const headers = `${this.#crowd.fans[request.fan]?.headers}idempotency-key: soak-${this.#turn++}\r\n`;
    return { ...request, headers };
  }
}

/** Memory that PostgreSQL's processes share is counted once, where the kernel tells (it tells root). */
function proportionalMiB(pids: readonly number[]): number {
  let kib = 0;
  for (const pid of pids) {
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended meanwhile, or belongs to somebody else.
    }
  }
  return Math.round(kib / 1_024);
}

const tableOf = (
  minutes: readonly Minute[],
): string => `| minute | answers a second | node, MiB | postgres, MiB |
| --: | --: | --: | --: |
${minutes.map(({ minute, perSecond, nodeMiB, postgresMiB }) => `| ${minute} | ${perSecond} | ${nodeMiB} | ${postgresMiB} |`).join('\n')}
`;
