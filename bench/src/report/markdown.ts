import { aimsOf } from './aims.ts';
import { leadsOf } from './ahead.ts';
import type { Figures, LevelRun, RaceRun } from './results.ts';
import { cpuMsPerFlow, measures, perFlow, spreadOf, Summary, type Measure, type Spread } from './summary.ts';

/** The page docs/figures.md: what was measured, what was aimed at, and where others are ahead. */
export function figuresPage(figures: Figures): string {
  const summary = new Summary(figures);
  const systems = figures.systems.filter(({ name }) => summary.has(name));
  const parts = [
    head(figures),
    '## Flows a second\n\n![Flows a second by clients](figures.svg)\n',
    levelTable(summary, systems, 'rate'),
    '## How long a fan waits\n',
    levelTable(summary, systems, 'p50'),
    levelTable(summary, systems, 'p99'),
    ratioSection(summary, systems),
    aimSection(summary),
    raceSection(summary, systems),
    costSection(summary, systems),
    aheadSection(summary, systems),
    checkSection(figures),
    method,
  ];
  return `${parts.join('\n')}\n`;
}

type Named = readonly { readonly name: string; readonly title: string }[];

function head({ at, command, machine, versions, rounds, seats, secondsMax, leftOut }: Figures): string {
  return `# Figures

Written by \`${command}\` on ${at.slice(0, 10)}; not by hand. ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, the systems in turn; ${seats.toLocaleString('en')} seats
and fans, at most ${secondsMax} s a level; medians of the rounds, with the lowest and the highest where there is room.

${machine.map((one) => `- ${one}`).join('\n')}
${versions.map((one) => `- ${one}`).join('\n')}
${leftOut.map((one) => `- **Left out:** ${one}`).join('\n')}
`;
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  `${[row(heads), row(heads.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(row)].join('\n')}\n`;

function levelTable(summary: Summary, systems: Named, measure: Measure): string {
  const { clients } = summary.figures;
  const heads = summary.flows.flatMap((flow) => clients.map((count) => `${flow} × ${count}`));
  const rows = systems.map(({ name, title }) => [
    title,
    ...summary.flows.flatMap((flow) =>
      clients.map((count) => told(summary.spread(name, flow, count, measure))),
    ),
  ]);
  const { title, unit } = measures[measure];
  return table([`${title}${unit === ' ms' ? ', ms' : ''}`, ...heads], rows);
}

const told = (spread: Spread | null): string => {
  if (!spread) return '–';
  const { median, least, most } = spread;
  return least === most ? digits(median) : `**${digits(median)}** ${digits(least)}–${digits(most)}`;
};

/** Three digits that mean something, no more. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function ratioSection(summary: Summary, systems: Named): string {
  const { clients } = summary.figures;
  const heads = summary.flows.flatMap((flow) => clients.map((count) => `${flow} × ${count}`));
  const peers = systems.filter(({ name }) => name !== 'ours');
  if (!summary.has('ours') || peers.length === 0) return '';
  const rows = peers.map(({ name, title }) => [
    title,
    ...summary.flows.flatMap((flow) =>
      clients.map((count) => {
        const ratios = summary.ratios([name], flow, count, 'rate');
        if (ratios.length === 0) return '–';
        return `**${digits(spreadOf(ratios).median)}** (${ratios.map(digits).join(', ')})`;
      }),
    ),
  ]);
  return `## Our rate by theirs\n\nThe median of the rounds and, in brackets, every round.\n\n${table(['ours ÷ …', ...heads], rows)}`;
}

function aimSection(summary: Summary): string {
  if (!summary.has('ours')) return '';
  const rows = aimsOf(summary).map(({ what, aimed, measured, met }) => [
    what,
    aimed,
    measured.length === 0
      ? 'not measured'
      : `${digits(spreadOf(measured).median)} (${measured.map(digits).join(', ')})`,
    met === null ? '–' : met ? 'met' : '**missed**',
  ]);
  return `## Aims\n\n${table(['', 'aimed at', 'measured', ''], rows)}`;
}

function raceSection(summary: Summary, systems: Named): string {
  const rows = systems.flatMap(({ name, title }) => {
    const races = summary.runsOf(name).flatMap(({ race }) => (race ? [race] : []));
    if (races.length === 0) return [];
    const of = (value: (race: RaceRun) => number) => digits(spreadOf(races.map(value)).median);
    const answers = races.every((race) => race.answers === race.attempts) ? 'every one' : 'not all';
    const winners = races.map((race) => race.winners).join(', ');
    return [
      [
        title,
        of((race) => race.perSecond),
        of((race) => race.p50Ms),
        of((race) => race.loserP99Ms),
        of((race) => race.loserMaxMs),
        answers,
        winners,
      ],
    ];
  });
  const heads = [
    '',
    'answers a second',
    'p50, ms',
    'p99 of the second, ms',
    'slowest of them, ms',
    'answered',
    'winners by round',
  ];
  return `## The race

64 clients want the same 100 seats: each seat is asked for by 64 different fans, one seat after the other.

${table(heads, rows)}`;
}

function costSection(summary: Summary, systems: Named): string {
  const most = Math.max(...summary.figures.clients);
  const tables = summary.flows.map((flow) => {
    const rows = systems.flatMap(({ name, title }) => {
      const levels = summary.levels(name, flow, most);
      if (levels.length === 0) return [];
      const of = (value: (level: LevelRun) => number) => digits(spreadOf(levels.map(value)).median);
      const all = levels.flatMap((level) =>
        level.costs.allCommits === null ? [] : [perFlow(level, level.costs.allCommits)],
      );
      return [
        [
          title,
          of((level) => cpuMsPerFlow(level).node),
          of((level) => cpuMsPerFlow(level).postgres),
          of((level) => cpuMsPerFlow(level).engine),
          of((level) => perFlow(level, (level.costs.cpuSeconds.generator ?? 0) * 1_000)),
          of((level) => perFlow(level, level.costs.commits)),
          all.length === 0 ? '–' : digits(spreadOf(all).median),
          of((level) => perFlow(level, level.costs.walBytes)),
          of((level) => perFlow(level, level.costs.engineBytes)),
        ],
      ];
    });
    const heads = [
      `${flow} × ${most}`,
      'node',
      'postgres',
      'engine',
      'generator',
      'commits',
      'all commits',
      'WAL bytes',
      'engine bytes',
    ];
    return table(heads, rows);
  });
  return `## What a flow costs

CPU in milliseconds by process, deliveries to the partner included. Commits are those that wrote (by PostgreSQL's transaction
counter, exact at once); "all commits" has those that only read too (\`pg_stat_database\`, after every connection has told).
Engine bytes are what an engine's own server wrote beside PostgreSQL.

${tables.join('\n')}`;
}

function aheadSection(summary: Summary, systems: Named): string {
  if (!summary.has('ours')) return '';
  const lines = systems
    .filter(({ name }) => name !== 'ours')
    .map(({ name, title }) => {
      const leads = leadsOf(summary, name).map(({ flow, clients, measure, ours, theirs }) => {
        const { title: what, unit } = measures[measure];
        return `${what} of ${flow} × ${clients} (${digits(theirs)}${unit} to our ${digits(ours)}${unit})`;
      });
      return `- **${title}:** ${leads.length === 0 ? 'nowhere.' : `${leads.join('; ')}.`}`;
    });
  return `## Where a peer is ahead\n\nBy the medians, when it is more than 5 %.\n\n${lines.join('\n')}\n`;
}

function checkSection({ runs }: Figures): string {
  const facts = runs.reduce((sum, run) => sum + run.facts, 0);
  const wrong = runs.flatMap(({ system, round, violations }) =>
    violations.map((one) => `- ${system}, round ${round}: ${one}`),
  );
  return `## Checked

After every run: no seat twice, every reservation and payment that a fan was told of is there and no other, every ledger adds up
to its balance, refused payments are undone, the partner knows every paid reservation within 5 s of the last answer, a repeated
key is answered with the same bytes. ${facts.toLocaleString('en')} facts compared; ${wrong.length === 0 ? 'all true.' : 'not all true:'}
${wrong.length === 0 ? '' : `\n${wrong.join('\n')}\n`}`;
}

const method = `## How

Every system is asked over HTTP with the same requests, by a generator that is a process of its own on the same machine (closed
loop: a client asks again when it was answered), and runs on a fresh cluster of the same PostgreSQL with the same settings. The promoter's system is
one small process outside of all of them. One fan in a hundred has no points, so one payment in a hundred is refused and undone. Two seconds of warm-up
on other seats come first. Peers have the same door as ours in front: fastify, the same access tokens, validation and log; their
folders and what they are tuned to are described in \`bench/peers/\`.`;
