import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openBrowser } from './browser.ts';
import { mixedStates } from './mixed-states.ts';
import { buildPage, openStand } from './stand.ts';

// Pictures of the map at each level of detail, to be looked at: node scripts/run.mjs web/test/seat-map/screens.ts FOLDER

const folder = process.argv[2] ?? '.';
const sizes = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } } as const;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function steps(page: Page, name: string): Promise<void> {
  const shoot = (step: string) => page.screenshot({ path: join(folder, `${name}-${step}.png`) });
  const canvas = page.locator('canvas.seat-map-canvas');
  await canvas.waitFor();
  await page.waitForTimeout(500);
  await shoot('1-sections');
  const box = await canvas.boundingBox();
  if (!box) throw new Error('The map has no size.');
  const [x, y] = [box.x + box.width * 0.5, box.y + box.height * 0.42];
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, -240);
  await page.mouse.wheel(0, -100);
  await page.waitForTimeout(700);
  await shoot('2-rows');
  await page.mouse.wheel(0, -240);
  await page.mouse.wheel(0, -200);
  await page.waitForTimeout(700);
  await shoot('3-seats');
  for (let turn = 0; turn < 3; turn++) await page.mouse.wheel(0, -240);
  await page.waitForTimeout(700);
  for (let dx = -150; dx <= 150; dx += 26) await page.mouse.click(x + dx, y + (dx % 4) * 9);
  await page.mouse.move(x - 60, y + 60);
  await page.waitForTimeout(700);
  await shoot('4-numbers');
}

const pages = await mkdtemp(join(tmpdir(), 'seat-map-'));
const browser = await openBrowser(say);
try {
  await buildPage(pages);
  for (const hall of process.argv[3]?.split(',') ?? ['miru-arena', 'garam-hall']) {
    const stand = await openStand(pages, hall === 'stadium' ? 60_000 : hall, mixedStates);
    for (const [device, viewport] of Object.entries(sizes)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({
          viewport,
          colorScheme,
          deviceScaleFactor: device === 'phone' ? 2 : 1,
        });
        const page = await context.newPage();
        page.on('console', (line) => say(line.text()));
        page.on('pageerror', (error) => say(String(error)));
        await page.goto(`${stand.url}&language=${colorScheme === 'dark' ? 'en' : 'ko'}`);
        await steps(page, `${hall}-${device}-${colorScheme}`);
        await context.close();
      }
    }
    await stand.stop();
  }
} finally {
  await browser.close();
  await rm(pages, { recursive: true });
}
