import axe from 'axe-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBrowser } from './browser.ts';
import { watchFrames } from './measured.ts';
import { buildPage, openStand, type Stand } from './stand.ts';

// The map and the list in a real browser, with a concert hall of the season: 2,452 seats, some of them taken.

const desktop = { viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' } as const;
const phone = {
  ...desktop,
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  deviceScaleFactor: 2,
} as const;

let folder: string;
let browser: Browser;
let stand: Stand;
let faults: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seat-map-'));
  await buildPage(folder);
  browser = await openBrowser(() => {});
});
beforeEach(async () => {
  stand = await openStand(folder, 'garam-hall', (index) => (index % 5 === 0 ? 2 : 0));
  faults = [];
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await stand.stop();
  expect(faults).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

async function open(options: BrowserContextOptions, language = 'en'): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.on('console', (line) => {
    if (line.type() === 'error' && !line.text().includes('404')) faults.push(line.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await watchFrames(page);
  await page.goto(`${stand.url}&language=${language}`);
  await page.locator('[data-freshness="live"]').waitFor();
  return page;
}

const chosen = (page: Page) => page.locator('output');
const place = (page: Page) => page.locator('.seat-map-place');
const said = (page: Page) => page.locator('[role="status"]').last();
const stops = (page: Page) => page.locator('.seat-list-sections [tabindex="0"]');

async function middleOf(page: Page): Promise<{ x: number; y: number }> {
  const box = await page.locator('canvas').boundingBox();
  if (!box) throw new Error('The map is not on the page.');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Every frame that was asked for has been drawn, and none was asked for again. */
async function atRest(page: Page): Promise<void> {
  await page.waitForFunction(async () => {
    const before = window.frameWatch.draws.length;
    const beats = window.frameWatch.starts.length;
    while (window.frameWatch.starts.length < beats + 3) await new Promise((next) => setTimeout(next, 5));
    return window.frameWatch.draws.length === before;
  });
}

/** Moves a mouse down until it points at a seat that can be had. */
async function pointAtFreeSeat(page: Page): Promise<{ x: number; y: number }> {
  const { x, y } = await middleOf(page);
  for (let step = 0; step < 60; step++) {
    const at = { x: x + (step % 5) * 7, y: y + step * 3 };
    await page.mouse.move(at.x, at.y);
    await atRest(page);
    if ((await page.locator('.seat-map-tip', { hasText: 'available' }).count()) > 0) return at;
  }
  throw new Error('No free seat was found under the mouse.');
}

test('with a mouse: near with the wheel, point at a seat, choose it, give it up again', async () => {
  const page = await open(desktop);
  const { x, y } = await middleOf(page);
  await page.mouse.move(x, y);
  for (let turn = 0; turn < 6; turn++) await page.mouse.wheel(0, -240);
  await place(page).waitFor();
  const at = await pointAtFreeSeat(page);
  await page.mouse.click(at.x, at.y);
  await expect.poll(() => chosen(page).textContent()).toMatch(/^[A-Z]+-\d+-\d+$/);
  await page.mouse.click(at.x, at.y);
  await expect.poll(() => chosen(page).textContent()).toBe('');
});

test('with a finger: a tap on a section goes there, a tap beside a seat chooses it', async () => {
  const page = await open(phone);
  const { x, y } = await middleOf(page);
  await page.touchscreen.tap(x, y);
  await place(page).waitFor();
  await atRest(page);
  await page.touchscreen.tap(x + 5, y + 5);
  await expect.poll(() => chosen(page).textContent()).toMatch(/^[A-Z]+-\d+-\d+$/);
});

test('with two fingers: pinching comes nearer and chooses nothing', async () => {
  const page = await open(phone);
  const { x, y } = await middleOf(page);
  const session = await page.context().newCDPSession(page);
  const fingers = (apart: number) => [
    { x: x - apart, y, id: 1 },
    { x: x + apart, y, id: 2 },
  ];
  for (let pinch = 0; pinch < 2; pinch++) {
    await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(20) });
    for (const apart of [40, 80, 120, 150]) {
      await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(apart) });
    }
    await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  }
  await place(page).waitFor();
  expect(await chosen(page).textContent()).toBe('');
});

test('with the keyboard on the map: plus comes nearer, zero shows the whole hall', async () => {
  const page = await open(desktop);
  await page.locator('canvas').focus();
  for (let turn = 0; turn < 5; turn++) await page.keyboard.press('+');
  await place(page).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('0');
  await place(page).waitFor({ state: 'detached' });
});

test('with the keyboard in the list: from the first tab stop of the map to a chosen seat', async () => {
  const page = await open(desktop);
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Choose from a list');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  expect(await stops(page).count()).toBe(1);
  for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowDown']) {
    await page.keyboard.press(key);
  }
  await page.keyboard.press('Enter');
  const focused = page.locator(':focus');
  expect(await focused.getAttribute('aria-pressed')).toBe('true');
  expect(await focused.getAttribute('aria-label')).toMatch(
    /^Stalls Centre · Row 1 · Seat \d+, VIP 198,000 P, available$/,
  );
  await expect.poll(() => chosen(page).textContent()).toMatch(/^B-1-\d+$/);
  await expect
    .poll(() => said(page).textContent())
    .toMatch(/^Stalls Centre · Row 1 · Seat \d+ chosen. 1 of 6.$/);
  expect(await stops(page).count()).toBe(1);
  await page.keyboard.press('ArrowLeft');
  expect(await page.locator(':focus').getAttribute('aria-expanded')).toBe('true');
});

test('no more than six: the seventh is refused, and why is said', async () => {
  const page = await open(desktop);
  await page.getByRole('button', { name: /^Stalls Left/ }).click();
  await page.getByRole('button', { name: /^Row 1 / }).click();
  const seats = page.locator('.seat-list-seat');
  for (let seat = 0; seat < 7; seat++) await seats.nth(seat).click();
  expect((await chosen(page).textContent())?.split(' ')).toHaveLength(6);
  await expect.poll(() => said(page).textContent()).toBe('You can choose up to 6 seats at a time.');
});

test('a seat that another fan takes leaves the offer; a chosen one is shown and announced as lost', async () => {
  const page = await open(desktop);
  await page.getByRole('button', { name: /^Stalls Left/ }).click();
  await page.getByRole('button', { name: /^Row 1 / }).click();
  const seat = (number: number) =>
    page.locator('.seat-list-seat', { hasText: new RegExp(`^Seat ${number}$`) });
  await seat(2).click();
  await expect.poll(() => chosen(page).textContent()).toBe('A-1-2');
  stand.change([
    [1, 1],
    [2, 1],
  ]);
  await expect.poll(() => said(page).textContent()).toContain('another fan was first');
  await seat(3).waitFor({ state: 'detached' });
  expect(await seat(2).getAttribute('aria-label')).toContain('taken by another fan');
  expect(await page.locator('.seat-map-legend').textContent()).toContain('taken by another fan');
  await seat(2).click();
  await expect.poll(() => chosen(page).textContent()).toBe('');
});

test.each([
  ['light', [245, 245, 247]],
  ['dark', [19, 17, 24]],
] as const)('in the %s the map has the colours of the page, all of them', async (colorScheme, ground) => {
  const page = await open({ ...desktop, colorScheme });
  await atRest(page);
  const { corner, colours } = await page.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const { data } = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {
      data: [],
    };
    const pixels = new Map<number, number>();
    for (let at = 0; at < data.length; at += 4) {
      const pixel = ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
      pixels.set(pixel, (pixels.get(pixel) ?? 0) + 1);
    }
    return {
      corner: Array.from(data.slice(0, 3)),
      colours: [...pixels.values()].filter((count) => count > 200).length,
    };
  });
  expect(corner).toEqual(ground);
  // Ground, floor, stage, four grades, and what lies between them.
  expect(colours).toBeGreaterThan(6);
});

test('a map at rest draws nothing, and a change is one drawing', async () => {
  const page = await open(desktop);
  await atRest(page);
  const draws = () => page.evaluate(() => window.frameWatch.draws.length);
  const before = await draws();
  stand.change([[7, 1]]);
  await page.waitForFunction((drawn) => window.frameWatch.draws.length > drawn, before);
  await atRest(page);
  expect((await draws()) - before).toBeLessThanOrEqual(3);
});

test.each([
  ['ko', 'light', desktop],
  ['en', 'dark', phone],
] as const)('axe finds nothing to complain of, in %s and %s', async (language, colorScheme, size) => {
  const page = await open({ ...size, colorScheme }, language);
  await page.locator('.seat-list-section').first().click();
  await page.locator('.seat-list-row').first().click();
  await page.locator('.seat-list-seat').first().click();
  stand.change([[1, 1]]);
  await page.locator('.seat-list-seat.is-lost').waitFor();
  await page.locator('.seat-list-options input').check();
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
});

declare global {
  interface Window {
    axe: typeof axe;
  }
}
