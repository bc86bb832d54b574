import { Database, type Connection } from '@tutti/kit/postgres';
import { clusterIn } from './cluster.ts';
import { gatherCrowd } from './crowd.ts';
import type { Endings } from './endings.ts';
import type { Options } from './options.ts';
import { digits } from './report/markdown.ts';
import type { LevelRun } from './report/results.ts';
import { cpuMsPerFlow, perFlow } from './report/summary.ts';
import { measureOurs, planOf } from './run.ts';
import { addShow, seed } from './seed.ts';
import { withRunning } from './surroundings.ts';
import { ours } from './systems/ours.ts';

// One pair: a fan of long ago reserved a seat and paid for it. Its two sagas are 2k and 2k + 1; their ids grow with time, as
// those of real ones do.
const pairsPerStatement = 100_000;
const oldFans = 100_000;
const oldShow = 'bench-old';

const id = (n: string): string =>
  `(lpad(to_hex(1600000000000 + (${n})), 12, '0') || '7000' || '8000' || lpad(to_hex(${n}), 12, '0'))::uuid`;
const fan = (k: string): string =>
  `(lpad(to_hex((${k}) % ${oldFans}), 12, '0') || '40008000' || lpad('f', 12, '0'))::uuid`;
const seats = `json_build_array(json_build_object('seatId', 'S-' || k, 'label', 'Seat ' || k, 'price', 1000))`;
const long = `now() - interval '90 days'`;

/** What finished sagas leave in each database, for the pairs $1 … $2. Written beside the migrations it must agree with. */
const remains: Readonly<Record<'orchestrator' | 'concert' | 'payment' | 'partner', readonly string[]>> = {
  orchestrator: [
    `insert into saga (id, name, version, fan, route, key, fingerprint, input, trace_id, status, owner, created_at, deadline_at,
                       ended_at, answer_status, answer, steps)
     select ${id('n')}, case n % 2 when 0 then 'reserve-seats' else 'pay-reservation' end, 1, ${fan('n / 2')}::text,
            case n % 2 when 0 then 'POST /api/v1/reservations' else 'POST /api/v1/reservations/:reservationId/payment' end,
            'old-' || n, repeat('x', 43), json_build_object('userId', ${fan('n / 2')}, 'reservationId', ${id('n - n % 2')}),
            repeat('0', 32), 'succeeded', 'long-gone', ${long}, ${long}, ${long}, 201, repeat('a', 300),
            json_build_array(json_build_array('user', 'ok', 1600000000000, 1600000000001))
     from generate_series($1::bigint * 2, $2::bigint * 2 + 1) n`,
  ],
  concert: [
    `insert into reservation (id, performance_id, user_id, status, seat_ids, seats, amount, expires_at, version, created_at)
     select ${id('k * 2')}, '${oldShow}', ${fan('k')}, 'paid', array['S-' || k], ${seats}, 1000, ${long}, 3, ${long}
     from generate_series($1::bigint, $2::bigint) k`,
    `insert into journal (saga, step, direction, outcome, ok, at)
     select ${id('k * 2 + s.late')}, s.step, 'do', json_build_object('ok', json_build_object('seats', ${seats})), true, ${long}
     from generate_series($1::bigint, $2::bigint) k
     cross join (values (0, 'seats'), (1, 'seats'), (1, 'confirmation')) as s(late, step)`,
  ],
  payment: [
    `insert into wallet (user_id, balance)
     select distinct ${fan('k')}, 0 from generate_series($1::bigint, $2::bigint) k on conflict do nothing`,
    `insert into entry (id, user_id, type, amount, balance_after, position, reservation_id, at)
     select ${id('k * 2 + 1')}, ${fan('k')}, 'payment', -1000, 0, k / ${oldFans} + 1, ${id('k * 2')}, ${long}
     from generate_series($1::bigint, $2::bigint) k`,
    `insert into payment (id, reservation_id, user_id, amount, at)
     select ${id('k * 2 + 1')}, ${id('k * 2')}, ${fan('k')}, 1000, ${long} from generate_series($1::bigint, $2::bigint) k`,
    `insert into journal (saga, step, direction, outcome, ok, at)
     select ${id('k * 2 + 1')}, 'points', 'do', json_build_object('ok', json_build_object('balance', 0)), true, ${long}
     from generate_series($1::bigint, $2::bigint) k`,
  ],
  partner: [
    `insert into delivery (id, reservation_id, version, body, created_at, attempts, delivered_at)
     select ${id('k * 2 + 1')}, ${id('k * 2')}, 3, repeat('b', 300), ${long}, 1, ${long}
     from generate_series($1::bigint, $2::bigint) k`,
    `insert into journal (saga, step, direction, outcome, ok, at)
     select ${id('k * 2 + 1')}, 'delivery', 'do', '{"ok":{}}', true, ${long} from generate_series($1::bigint, $2::bigint) k`,
  ],
};

type Say = (line: string) => void;

/** Our cost per saga on fresh tables and on tables with `sagas` finished ones in them. Returns the exit code. */
export async function measureAged(
  sagas: number,
  options: Options,
  endings: Endings,
  say: Say,
): Promise<number> {
  const results: { title: string; levels: readonly LevelRun[] }[] = [];
  for (const finished of [0, sagas]) {
    const title = `${finished.toLocaleString('en')} finished sagas`;
    results.push({
      title,
      levels: await measureWith(finished, options, endings, (line) => say(`${title}: ${line}`)),
    });
  }
  process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : tableOf(results));
  return 0;
}

async function measureWith(
  finished: number,
  options: Options,
  endings: Endings,
  say: Say,
): Promise<readonly LevelRun[]> {
  const plan = planOf(options);
  const crowd = gatherCrowd(Math.max(plan.seats.main, plan.seats.warmUp));
  return withRunning(ours, crowd, endings, async (running, partner, folder) => {
    await seed(running, crowd, plan.seats);
    if (finished > 0) await fill(clusterIn(folder).connection, Math.ceil(finished / 2), say);
    return measureOurs({ running, partner, crowd, plan, say });
  });
}

async function fill(connection: (database: string) => Connection, pairs: number, say: Say): Promise<void> {
  for (const [name, statements] of Object.entries(remains)) {
    const database = new Database(connection(name), { connectionsMax: 1, statementTimeoutMs: 3_600_000 });
    try {
      if (name === 'concert') await addShow(database, oldShow, 0);
      for (let from = 0; from < pairs; from += pairsPerStatement) {
        const to = Math.min(from + pairsPerStatement, pairs) - 1;
        for (const statement of statements) await database.query(statement, [from, to]);
        say(`${name}: ${(to + 1).toLocaleString('en')} of ${pairs.toLocaleString('en')} pairs are in`);
      }
      await database.query('vacuum (analyze)');
      await database.query('checkpoint');
    } finally {
      await database.close();
    }
  }
}

function tableOf(results: readonly { title: string; levels: readonly LevelRun[] }[]): string {
  const lines = results.flatMap(({ title, levels }) =>
    levels.map((level) => {
      const { flow, clients, perSecond, p50Ms, p99Ms, costs } = level;
      const { node, postgres } = cpuMsPerFlow(level);
      const cells = [
        title,
        `${flow} × ${clients}`,
        perSecond,
        p50Ms,
        p99Ms,
        digits(node),
        digits(postgres),
        digits(perFlow(level, costs.walBytes)),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  return `| | | flows a second | p50, ms | p99, ms | node, ms a flow | postgres, ms a flow | WAL bytes a flow |
| --- | --- | --: | --: | --: | --: | --: | --: |
${lines.join('\n')}
`;
}
