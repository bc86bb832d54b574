import { digits } from '../report/markdown.ts';
import { spreadOf } from '../report/summary.ts';
import type { CrowdFigures, LineFigures, LineRun, Rate } from './results.ts';

type Figure = (run: LineRun) => number | undefined;
type Aim = {
  readonly what: string;
  readonly aimed: string;
  readonly measured: readonly number[];
  readonly met: boolean;
};

const joinsMin = 5_000;
const pollP99MsMax = 50;
const loadDifferenceMax = 0.1;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  `${[row(heads), row(heads.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(row)].join('\n')}\n`;

const whole = (value: number): string => Math.round(value).toLocaleString('en');

/** The page docs/figures-waiting-room.md. */
export function linePage(figures: LineFigures): string {
  const parts = [
    head(figures),
    aimSection(figures),
    rateSection(figures),
    floodSection(figures),
    crowdSection(figures),
    bytesSection(figures),
    checkSection(figures),
    method(figures),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function head({ at, command, machine, versions, rounds, fans, secondsMax }: LineFigures): string {
  return `# Figures of the waiting room

Written by \`${command}\` on ${at.slice(0, 10)}; not by hand. ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, the systems in turn; at most
${fans.toLocaleString('en')} fans and ${secondsMax} s a level; medians of the rounds, with the lowest and the highest where there is room.

${[...machine, ...versions].map((one) => `- ${one}`).join('\n')}
`;
}

const valuesOf = ({ runs }: LineFigures, system: string, figure: Figure): number[] =>
  runs.filter((run) => run.system === system).flatMap((run) => figure(run) ?? []);

function told(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const { median, least, most } = spreadOf(values);
  return least === most ? digits(median) : `**${digits(median)}** ${digits(least)}–${digits(most)}`;
}

function aimsOf(figures: LineFigures): Aim[] {
  const aims: Aim[] = [];
  const add = (
    what: string,
    aimed: string,
    measured: readonly number[],
    holds: (median: number) => boolean,
  ) => {
    if (measured.length > 0) aims.push({ what, aimed, measured, met: holds(spreadOf(measured).median) });
  };
  for (const { name } of figures.systems.filter(({ isPublic }) => isPublic)) {
    const of = (figure: Figure) => valuesOf(figures, name, figure);
    add(
      'joins a second until durable, 256 clients',
      `≥ ${whole(joinsMin)}`,
      of((run) => run.joins.perSecond),
      (rate) => rate >= joinsMin,
    );
    const soon = (p99: number) => p99 <= pollP99MsMax;
    add(
      'p99 of a poll through Varnish while joins flood, ms',
      `≤ ${pollP99MsMax}`,
      of((run) => run.flood.cache?.p99Ms),
      soon,
    );
    add(
      'p99 of a poll of the origin while joins flood, ms',
      `≤ ${pollP99MsMax}`,
      of((run) => run.flood.origin.p99Ms),
      soon,
    );
  }
  const [few, many] = figures.crowds;
  if (few && many)
    add(
      `origin load by ${whole(many.fans)} waiting fans over that by ${whole(few.fans)}`,
      `within ${loadDifferenceMax * 100} %`,
      [perSecond(many, many.sentOn) / perSecond(few, few.sentOn)],
      (ratio) => Math.abs(ratio - 1) <= loadDifferenceMax,
    );
  return aims;
}

function aimSection(figures: LineFigures): string {
  const rows = aimsOf(figures).map(({ what, aimed, measured, met }) => [
    what,
    aimed,
    `${digits(spreadOf(measured).median)} (${measured.map(digits).join(', ')})`,
    met ? 'met' : '**missed**',
  ]);
  return rows.length === 0 ? '' : `## Aims\n\n${table(['', 'aimed at', 'measured', ''], rows)}`;
}

function rateSection(figures: LineFigures): string {
  const rates: readonly { what: string; rate: (run: LineRun) => Rate | null; isCached: boolean }[] = [
    { what: 'join', rate: ({ joins }) => joins, isCached: false },
    { what: 'poll of the origin', rate: ({ polls }) => polls.origin, isCached: false },
    { what: 'poll through Varnish', rate: ({ polls }) => polls.cache, isCached: true },
  ];
  const rows = rates.flatMap(({ what, rate, isCached }) =>
    figures.systems
      .filter(({ isPublic }) => isPublic || !isCached)
      .map(({ name, title }) => {
        const of = (figure: (rate: Rate) => number) =>
          told(
            valuesOf(figures, name, (run) => {
              const one = rate(run);
              return one ? figure(one) : undefined;
            }),
          );
        return [
          what,
          title,
          of((one) => one.perSecond),
          of((one) => one.p50Ms),
          of((one) => one.p99Ms),
          of((one) => one.cpuMsEach),
        ];
      }),
  );
  const clients = figures.runs[0];
  return `## Joins and polls a second

Joins by ${clients?.joins.clients ?? 0} clients, each fan once, answered when durable (as the system makes it); polls by ${clients?.polls.origin.clients ?? 0} clients. CPU is that of the
system's own processes, its database and cache with it, not the generator's.

${table(['', 'system', 'a second', 'p50, ms', 'p99, ms', 'CPU ms each'], rows)}`;
}

function floodSection(figures: LineFigures): string {
  const rows = figures.systems.flatMap(({ name, title, isPublic }) => {
    const line = (what: string, polls: (run: LineRun) => LineRun['flood']['origin'] | null) => {
      const of = (figure: (one: LineRun['flood']['origin']) => number) =>
        told(
          valuesOf(figures, name, (run) => {
            const one = polls(run);
            return one ? figure(one) : undefined;
          }),
        );
      return [title, what, of((one) => one.p50Ms), of((one) => one.p99Ms), of((one) => one.failed)];
    };
    const origin = line('the origin', (run) => run.flood.origin);
    return isPublic ? [origin, line('Varnish', (run) => run.flood.cache)] : [origin];
  });
  return `## Polls while joins flood

${figures.pollsPerSecond} polls a second, answered or not, from a thread of their own, while 256 clients join as fast as they are answered.

${table(['', 'polls of', 'p50, ms', 'p99, ms', 'not answered well'], rows)}`;
}

const perSecond = ({ realSeconds }: CrowdFigures, count: number): number => count / realSeconds;

function crowdSection({ crowds, longCrowds }: LineFigures): string {
  if (crowds.length === 0) return '';
  const real = crowds.map((crowd) => [
    whole(crowd.fans),
    digits(crowd.virtualSeconds),
    digits(crowd.realSeconds),
    digits(crowd.polls / crowd.virtualSeconds),
    whole(crowd.sentOn),
    whole(crowd.modelSentOn),
    digits(perSecond(crowd, crowd.sentOn)),
  ]);
  const imagined = longCrowds.map(({ fans, virtualSeconds, polls, sentOn }) => [
    whole(fans),
    whole(virtualSeconds),
    digits(polls / virtualSeconds),
    digits(sentOn / virtualSeconds),
    digits(polls / virtualSeconds),
  ]);
  return `## A waiting crowd

Simulated fans on a virtual clock, each asking by the rule of the real client (\`nextPollMs\`); every one of their requests is sent to a real
Varnish before the real service, and each fan decides by what it was answered. The clock waits where a tick's requests take longer than the
tick, so real seconds may be more. What reached the origin is Varnish's own counter; beside it what the model of the cache says for the same
moments.

${table(
  [
    'fans waiting',
    'virtual seconds',
    'real seconds',
    'polls a virtual second',
    'reached the origin',
    'by the model',
    'origin requests a second',
  ],
  real,
)}
For longer, with that model of the cache in place of Varnish and a document that moves by 20 numbers a second; the last column is what the
usual way costs, where each poll has an answer of its own:

${table(
  [
    'fans waiting',
    'virtual seconds',
    'polls a second',
    'origin requests a second',
    'without a public document',
  ],
  imagined,
)}`;
}

function bytesSection(figures: LineFigures): string {
  const rows = figures.systems.map(({ name, title, isPublic }) => [
    title,
    told(valuesOf(figures, name, (run) => run.bytesPerFan)),
    isPublic ? 'on disk: tables and indexes' : 'in memory (`used_memory`); the append-only file comes on top',
  ]);
  return `## Bytes for each waiting fan

${table(['', 'bytes', ''], rows)}`;
}

function checkSection({ runs }: LineFigures): string {
  const wrong = runs.flatMap(({ system, round, violations }) =>
    violations.map((violation) => `- ${system}, round ${round}: ${violation}`),
  );
  return `## Checked

Every join is answered 201 with a place that no other fan was told, every poll 200. ${wrong.length === 0 ? 'All true.' : 'Not all true:'}
${wrong.length === 0 ? '' : `\n${wrong.join('\n')}\n`}`;
}

const method = ({ secondsMax }: LineFigures): string => `## How

Everything runs on this one machine: the generator, the system, its database and the cache share its cores. Joins carry access tokens of
accounts that exist; the sale is open, and about 20 fans a second go in, stay ten seconds and leave, so that \`serving\` moves; every connection is kept alive. Joins and polls a second are closed loops (a client asks again when it was answered) of at
most ${secondsMax} s after a warm-up with other fans. The usual way is \`bench/peers/sorted-set/\`: it has the same HTTP server and tokens, and neither a
pre-queue nor an admission. A cache of a CDN with many nodes sends as many requests to the origin as it has nodes that nobody shields; the
figures are for one node.
`;
