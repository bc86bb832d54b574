import { closedLoop, percentile } from './closed-loop.ts';
import { check } from './checks.ts';
import { Meter, statisticsSettleMs, type Costs } from './costs.ts';
import { payRequest, reserveRequest, type Crowd, type FanRequest } from './crowd.ts';
import type { Options } from './options.ts';
import { Partner } from './partner.ts';
import type { LevelRun, RaceRun, SystemRun } from './report/results.ts';
import { seed, stages, type SeatCounts } from './seed.ts';
import type { RunningSystem, System } from './system.ts';
import { Told, type Reservation } from './told.ts';
import { pause, until } from './waiting.ts';

export type Plan = {
  readonly clients: readonly number[];
  readonly secondsMax: number;
  readonly warmUpSeconds: number;
  readonly seats: SeatCounts;
  readonly raceClients: number;
  /** Waits for PostgreSQL's statistics before and after the level with the most clients, to count every commit of it. */
  readonly settles: boolean;
};

export const raceSeats = 100;
export const raceClients = 64;
const host = '127.0.0.1';
const warmUpClients = 64;
const raceSecondsMax = 90;
/** What the issue asks for; a system that needs longer is waited for, and it is a violation. */
const toldPartnerWithinMs = 5_000;

export function planOf({ clients, secondsMax, warmUpSeconds, seats, quick }: Options): Plan {
  return {
    clients,
    secondsMax,
    warmUpSeconds,
    seats: { main: seats, warmUp: Math.min(seats, 20_000), race: raceSeats },
    raceClients,
    settles: !quick,
  };
}

/** Both flows at every level on a system that is seeded already. */
export async function measureOurs(parts: Omit<Parts, 'meter'>): Promise<readonly LevelRun[]> {
  const meter = new Meter(parts.running, parts.partner.pid);
  try {
    const run = new Run({ ...parts, meter });
    await run.warmUp();
    const levels = await run.levels();
    if (run.told.strange.length > 0)
      throw new Error(`An answer was none of those expected: ${run.told.strange[0]}`);
    return levels;
  } finally {
    await meter.close();
  }
}

/** One system, one round: seed, warm up, every level of both flows, the race, the checks. */
export async function runSystem(parts: {
  system: System;
  round: number;
  running: RunningSystem;
  partner: Partner;
  crowd: Crowd;
  plan: Plan;
  say: (sentence: string) => void;
}): Promise<SystemRun> {
  const { system, round, running, partner, crowd, plan, say } = parts;
  await seed(running, crowd, plan.seats);
  const meter = new Meter(running, partner.pid);
  try {
    const run = new Run({ running, partner, crowd, plan, meter, say });
    await run.warmUp();
    const levels = await run.levels();
    const race = await run.race();
    const { facts, violations } = await check({
      system: running,
      told: run.told,
      crowd,
      seats: plan.seats,
      partner,
    });
    say(violations.length === 0 ? `${facts} facts checked, all true` : violations.join('\n'));
    return { system: system.name, round, levels, race, facts, violations: [...run.late, ...violations] };
  } finally {
    await meter.close();
  }
}

type Parts = {
  running: RunningSystem;
  partner: Partner;
  crowd: Crowd;
  plan: Plan;
  meter: Meter;
  say: (sentence: string) => void;
};

class Run {
  readonly told = new Told();
  /** Where the partner had to wait too long. */
  readonly late: string[] = [];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Both flows for a while on seats of their own: what is compiled on the way is not measured. */
  async warmUp(): Promise<void> {
    const { plan, say } = this.#parts;
    say('warming up');
    const seats = range(0, plan.seats.warmUp);
    const level = { clients: warmUpClients, secondsMax: plan.warmUpSeconds };
    const { reservations } = await this.#reserve(stages.warmUp, seats, level);
    await this.#pay(reservations, level);
    await this.#partnerKnowsAll();
  }

  async levels(): Promise<LevelRun[]> {
    const { plan, running, meter, say } = this.#parts;
    const most = Math.max(...plan.clients);
    const toPay = new Map<number, readonly Reservation[]>();
    const levels: LevelRun[] = [];
    for (const { clients, seats } of shares(plan)) {
      await meter.begin();
      const { result, reservations } = await this.#reserve(stages.main, seats, {
        clients,
        secondsMax: plan.secondsMax,
      });
      await until('every flow has ended', async () => (await running.unfinished()) === 0, 30_000);
      toPay.set(clients, reservations);
      levels.push({ flow: 'reserve', clients, ...result, toldPartnerMs: null, costs: await meter.end() });
      say(lineOf(levels.at(-1)));
    }
    for (const clients of plan.clients) {
      const settles = plan.settles && clients === most;
      if (settles) await pause(statisticsSettleMs);
      await meter.begin();
      const result = await this.#pay(toPay.get(clients) ?? [], { clients, secondsMax: plan.secondsMax });
      const toldPartnerMs = await this.#partnerKnowsAll();
      let costs: Costs = await meter.end();
      if (settles) costs = await meter.endWithAllCommits(costs, () => pause(statisticsSettleMs));
      levels.push({ flow: 'pay', clients, ...result, toldPartnerMs, costs });
      say(lineOf(levels.at(-1)));
    }
    return levels;
  }

  /** Everybody wants the same seats: each seat is tried by as many fans as there are clients, one seat after the other. */
  async race(): Promise<RaceRun> {
    const { crowd, plan, running, say } = this.#parts;
    const { raceClients: clients } = plan;
    const seats = plan.seats.race;
    const attempts = seats * clients;
    const losers: number[] = [];
    let next = 0;
    let winners = 0;
    const result = await closedLoop({
      host,
      port: running.port,
      clients,
      secondsMax: raceSecondsMax,
      next: () => {
        const fan = next++;
        if (fan >= attempts) return undefined;
        return reserveRequest(crowd, { performance: stages.race, fan, seat: Math.floor(fan / clients) });
      },
      onAnswer: (request: FanRequest, answer, latencyMs) => {
        if (this.told.onReserve(request, answer)) winners++;
        else losers.push(latencyMs);
      },
    });
    if (winners !== seats)
      this.told.strange.push(`Of ${seats} contended seats ${winners} were told reserved.`);
    const loserP99Ms = percentile(losers, 0.99);
    const { answers, seconds, perSecond, p50Ms } = result;
    const loserMaxMs = Number((losers.at(-1) ?? 0).toFixed(2));
    say(`race: ${answers} answers, ${winners} winners, ${perSecond}/s, losers' p99 ${loserP99Ms} ms`);
    return { clients, seats, attempts, answers, winners, seconds, perSecond, p50Ms, loserP99Ms, loserMaxMs };
  }

  async #reserve(
    performance: string,
    seats: Iterable<number>,
    level: { clients: number; secondsMax: number },
  ) {
    const { crowd, running } = this.#parts;
    const reservations: Reservation[] = [];
    const iterator = seats[Symbol.iterator]();
    const result = await closedLoop({
      host,
      port: running.port,
      ...level,
      next: () => {
        const { value, done } = iterator.next();
        return done === true ? undefined : reserveRequest(crowd, { performance, fan: value, seat: value });
      },
      onAnswer: (request: FanRequest, answer) => {
        const reservation = this.told.onReserve(request, answer);
        if (reservation) reservations.push(reservation);
      },
    });
    return { result, reservations };
  }

  async #pay(reservations: readonly Reservation[], level: { clients: number; secondsMax: number }) {
    const { crowd, running } = this.#parts;
    let next = 0;
    return closedLoop({
      host,
      port: running.port,
      ...level,
      next: () => {
        const reservation = reservations[next++];
        if (!reservation) return undefined;
        const { id, request } = reservation;
        return { ...payRequest(crowd, request, id), reservationId: id };
      },
      onAnswer: (request, answer) => this.told.onPay(request, request.reservationId, answer),
    });
  }

  /** Milliseconds until the partner knows every paid reservation. */
  async #partnerKnowsAll(): Promise<number> {
    const { partner } = this.#parts;
    const from = performance.now();
    const knows = async () => (await partner.count()).known >= this.told.paid.size;
    await until('the partner knows every paid reservation', knows, 60_000, 10);
    const ms = Math.round(performance.now() - from);
    if (ms > toldPartnerWithinMs)
      this.late.push(`The partner knew of everything only ${ms} ms after the last answer.`);
    return ms;
  }
}

/** A level may use seats in proportion to what its clients can ask for: more clients are served faster, one by one slower. */
export function shares({ clients, seats }: Plan): { clients: number; seats: Iterable<number> }[] {
  const weights = clients.map((count) => Math.sqrt(count) + 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let from = 0;
  return clients.map((count, index) => {
    const to = from + Math.floor((seats.main * (weights[index] ?? 0)) / total);
    const share = { clients: count, seats: range(from, to) };
    from = to;
    return share;
  });
}

function* range(from: number, to: number): Generator<number> {
  for (let at = from; at < to; at++) yield at;
}

function lineOf(level: LevelRun | undefined): string {
  if (!level) return '';
  const { flow, clients, perSecond, p50Ms, p99Ms, answers, toldPartnerMs, costs } = level;
  const partner = toldPartnerMs === null ? '' : `, partner +${toldPartnerMs} ms`;
  const commits = (costs.commits / Math.max(1, answers)).toFixed(2);
  return `${flow} × ${clients}: ${perSecond}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${answers} answers, ${commits} commits each${partner}`;
}
