import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from './browser.ts';
import { report, type Measured, type Series } from './bench-report.ts';
import { firstPaint, framesDuring, watchFrames } from './measured.ts';
import { mixedStates } from './mixed-states.ts';
import { buildPage, openStand, type Stand } from './stand.ts';

// npm run bench:seat-map: what the map costs in a browser without a graphics card, for 15,000 and for 60,000 seats.

const halls = [
  { name: '15,000 seats', hall: 'miru-arena' },
  { name: '60,000 seats', hall: 60_000 },
] as const;
const paints = 5;
const changesPerSecond = 200;
const changeEveryMs = 50;
const viewport = { width: 1280, height: 860 };
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function measure(
  browser: Browser,
  folder: string,
  { name, hall }: (typeof halls)[number],
): Promise<Measured> {
  const stand = await openStand(folder, hall, mixedStates);
  try {
    const first = [];
    for (let turn = 0; turn < paints; turn++) {
      say(`${name}: first paint, ${turn + 1} of ${paints}`);
      const page = await opened(browser, stand);
      first.push(await firstPaint(page));
      await page.context().close();
    }
    const page = await opened(browser, stand);
    await firstPaint(page);
    const series: Series[] = [];
    for (const [what, work] of tasks(page, stand)) {
      say(`${name}: ${what}`);
      series.push({ what, ...(await framesDuring(page, work)) });
      // What is still being painted belongs to what was done before.
      await page.waitForTimeout(400);
    }
    return { name, first, series };
  } finally {
    await stand.stop();
  }
}

async function opened(browser: Browser, stand: Stand): Promise<Page> {
  const page = await browser.newPage({ viewport });
  await watchFrames(page);
  await page.goto(stand.url);
  return page;
}

type Task = readonly [what: string, work: () => Promise<void>];

/** In this order: each begins where the one before it ended. */
function tasks(page: Page, stand: Stand): Task[] {
  const rest = (): Promise<void> => page.waitForTimeout(4_000);
  return [
    ['zooming in by wheel, from the whole hall to one seat', () => wheel(page, -40, 60)],
    ['zooming out by wheel, back to the whole hall', () => wheel(page, 40, 60)],
    ['zooming in and out, 200 changes a second', () => withChanges(stand, () => inAndOut(page))],
    ['whole hall in view, 200 changes a second', () => withChanges(stand, rest)],
    ['to where most seats are drawn', () => toManySeats(page)],
    ['panning over seats', () => drag(page, 3)],
    ['panning over seats, 200 changes a second', () => withChanges(stand, () => drag(page, 3))],
    ['seats in view, 200 changes a second', () => withChanges(stand, rest)],
  ];
}

async function inAndOut(page: Page): Promise<void> {
  await wheel(page, -40, 60);
  await wheel(page, 40, 60);
}

/** A section's name appears in the corner as soon as its seats are drawn one by one: closer, there are fewer of them. */
async function toManySeats(page: Page): Promise<void> {
  const place = page.locator('.seat-map-place');
  for (let turn = 0; turn < 80 && (await place.count()) === 0; turn++) await wheel(page, -10, 1);
}

async function middleOf(page: Page): Promise<{ x: number; y: number }> {
  const box = await page.locator('canvas.seat-map-canvas').boundingBox();
  if (!box) throw new Error('The map is not on the page.');
  return { x: box.x + box.width * 0.5, y: box.y + box.height * 0.55 };
}

/** As a hand turns it: one notch a frame. The page makes its own events, so that no remote control is measured. */
async function wheel(page: Page, deltaY: number, times: number): Promise<void> {
  const { x, y } = await middleOf(page);
  await page.evaluate(
    async ({ deltaY, times, clientX, clientY }) => {
      const canvas = document.querySelector('canvas.seat-map-canvas');
      for (let turn = 0; turn < times; turn++) {
        canvas?.dispatchEvent(new WheelEvent('wheel', { deltaY, clientX, clientY, cancelable: true }));
        await new Promise((next) => setTimeout(next, 16));
      }
    },
    { deltaY, times, clientX: x, clientY: y },
  );
}

/** Around in an ellipse that leads across many times what is in view. */
async function drag(page: Page, rounds: number): Promise<void> {
  const { x, y } = await middleOf(page);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.evaluate(
    async ({ rounds, x, y }) => {
      const canvas = document.querySelector('canvas.seat-map-canvas');
      const steps = 90;
      for (let step = 0; step < rounds * steps; step++) {
        const angle = (step / steps) * Math.PI * 2;
        const at = { clientX: x + Math.sin(angle) * 1_400, clientY: y + (Math.cos(angle) - 1) * 900 };
        const event = { ...at, pointerId: 1, pointerType: 'mouse', bubbles: true };
        canvas?.dispatchEvent(new PointerEvent('pointermove', event));
        await new Promise((next) => setTimeout(next, 16));
      }
    },
    { rounds, x, y },
  );
  await page.mouse.up();
}

/** Seats all over the hall, taken and given back, in bundles as the gateway tells them. */
async function withChanges(stand: Stand, work: () => Promise<void>): Promise<void> {
  const seats = stand.layout.sections.reduce((sum, section) => sum + section.seats.length, 0);
  const each = (changesPerSecond * changeEveryMs) / 1000;
  const timer = setInterval(() => {
    stand.change(
      Array.from({ length: each }, () => [Math.floor(Math.random() * seats), Math.floor(Math.random() * 3)]),
    );
  }, changeEveryMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

const [load = 0] = loadavg();
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const folder = await mkdtemp(join(tmpdir(), 'seat-map-'));
const browser = await openBrowser(say);
try {
  await buildPage(folder);
  const measured: Measured[] = [];
  for (const hall of halls) measured.push(await measure(browser, folder, hall));
  const text = report(measured, browser.version(), load);
  process.stdout.write(text);
  if (values.write) await writeFile(join(import.meta.dirname, '../../../docs/figures-seat-map.md'), text);
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
