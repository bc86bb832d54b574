import { availableParallelism, cpus } from 'node:os';
import type { FirstPaint, Frames } from './measured.ts';

export type Series = Frames & { readonly what: string };
export type Measured = {
  readonly name: string;
  readonly first: readonly FirstPaint[];
  readonly series: readonly Series[];
};

const aims = { firstPaintMs: 1_000, frameMs: 16.7, availabilityBytes: 16_000 };

/** What the browser's clock may be off at either end of a frame. */
const clockMs = 0.2;
const lateMs = 25;

/** The figures as Markdown; every aim with whether it was met. */
export function report(measured: readonly Measured[], browser: string, load: number): string {
  return [
    '# Figures of the seat map',
    '',
    `Written by \`npm run bench:seat-map -- --write\` on ${new Date().toISOString().slice(0, 10)}; not by hand.`,
    '',
    `- ${availableParallelism()} cores, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, shared by page, browser and server`,
    `- other work on the machine before it began: a load of ${load.toFixed(1)}; more than 0.3 is in the figures`,
    `- Chromium ${browser}, headless, without a graphics card: the processor draws every pixel (1,280 × 860)`,
    '- a frame is the time from the start of one to the start of the next, by a clock of tenths: 16.6 to 16.8 ms is the',
    "  display's own beat of 60 a second and the least there is; late is what came a whole beat or more after that",
    '- drawing is what the map itself does in a frame; the browser puts the pixels on the screen after that',
    '- first paint: from the last byte of layout and availability to the frame that shows them, parsing included;',
    '  median of the runs, and the worst',
    '',
    ...measured.flatMap(sectionOf),
  ].join('\n');
}

function sectionOf({ name, first, series }: Measured): string[] {
  const paints = first.map((one) => one.milliseconds).toSorted((one, other) => one - other);
  const median = paints[paints.length >> 1] ?? Number.NaN;
  const [paint] = first;
  const worst = Math.max(...series.map(({ starts }) => quantile(starts, 0.95)));
  const bytes = paint?.availabilityBytes ?? Number.NaN;
  return [
    `## ${name}`,
    '',
    '| | measured | aim | |',
    '| --- | --: | --: | --- |',
    `| first paint | ${median.toFixed(0)} ms, worst ${(paints.at(-1) ?? Number.NaN).toFixed(0)} ms | ≤ ${aims.firstPaintMs} ms | ${verdict(median <= aims.firstPaintMs)} |`,
    `| frame, p95 of the worst row below | ${worst.toFixed(1)} ms | ≤ ${aims.frameMs} ms | ${frameVerdict(worst)} |`,
    `| availability | ${bytes.toLocaleString('en')} bytes | ≤ ${aims.availabilityBytes.toLocaleString('en')} bytes | ${verdict(bytes <= aims.availabilityBytes)} |`,
    `| layout, gzip (as JSON) | ${(paint?.layoutBytes ?? 0).toLocaleString('en')} (${(paint?.layoutPlainBytes ?? 0).toLocaleString('en')}) bytes | | |`,
    '',
    '| ms | frame p50 | frame p95 | frame max | late | drawing p50 | drawing p95 | drawing max | frames |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...series.map(rowOf),
    '',
  ];
}

function rowOf({ what, starts, draws }: Series): string {
  const figures = (values: readonly number[]): string =>
    [0.5, 0.95, 1].map((share) => quantile(values, share).toFixed(1)).join(' | ');
  const late = starts.filter((milliseconds) => milliseconds > lateMs).length;
  return `| ${what} | ${figures(starts)} | ${late} | ${figures(draws)} | ${starts.length} |`;
}

const verdict = (isMet: boolean): string => (isMet ? 'met' : '**missed**');

/** What is over by less than the clock tells apart is called that, and not met. */
function frameVerdict(worst: number): string {
  const isWithinClock = worst > aims.frameMs && worst <= aims.frameMs + clockMs;
  return isWithinClock
    ? "over by less than the clock tells: the display's beat"
    : verdict(worst <= aims.frameMs);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
