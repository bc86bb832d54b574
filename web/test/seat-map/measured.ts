import type { Page } from 'playwright-core';

// Frames as the page itself sees them. Before anything else runs, every frame's callbacks are timed; what a browser does
// after them shows in how late the next frame comes.

/** Times in milliseconds, by the page's own clock. */
export type Frames = { readonly starts: readonly number[]; readonly draws: readonly number[] };

type Watch = { starts: number[]; draws: number[]; ends: number[] };
declare global {
  interface Window {
    frameWatch: Watch;
  }
}

export async function watchFrames(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const watch: Watch = { starts: [], draws: [], ends: [] };
    window.frameWatch = watch;
    const ask = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (act) =>
      ask((now) => {
        const started = performance.now();
        act(now);
        const ended = performance.now();
        watch.draws.push(ended - started);
        watch.ends.push(ended);
      });
    const beat = (now: number): void => {
      watch.starts.push(now);
      ask(beat);
    };
    ask(beat);
  });
}

/** What happens during the work: frame by frame, from one start to the next. */
export async function framesDuring(page: Page, work: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    window.frameWatch.starts = [];
    window.frameWatch.draws = [];
  });
  await work();
  return page.evaluate(() => {
    const { starts, draws } = window.frameWatch;
    return { starts: starts.slice(1).map((start, index) => start - (starts[index] ?? start)), draws };
  });
}

export type FirstPaint = {
  /** From the last byte of the data to the end of the frame that shows it. */
  readonly milliseconds: number;
  readonly layoutBytes: number;
  readonly layoutPlainBytes: number;
  readonly availabilityBytes: number;
};

/** Once the map stands: when its data was there, and when the frame after its first drawing began. */
export async function firstPaint(page: Page): Promise<FirstPaint> {
  await page.locator('canvas.seat-map-canvas').waitFor();
  await page.waitForFunction(() => {
    const [drawn = Infinity] = window.frameWatch.ends;
    return window.frameWatch.starts.some((start) => start > drawn);
  });
  return page.evaluate(() => {
    const resources = performance.getEntriesByType('resource').filter((entry) => 'transferSize' in entry);
    const find = (end: string) =>
      resources.find((entry): entry is PerformanceResourceTiming => entry.name.endsWith(end));
    const [layout, availability] = [find('/seat-map'), find('/availability')];
    const arrived = Math.max(layout?.responseEnd ?? 0, availability?.responseEnd ?? 0);
    const [drawn = 0] = window.frameWatch.ends;
    const shown = window.frameWatch.starts.find((start) => start > drawn) ?? Infinity;
    return {
      milliseconds: Math.max(shown, drawn) - arrived,
      layoutBytes: layout?.encodedBodySize ?? 0,
      layoutPlainBytes: layout?.decodedBodySize ?? 0,
      availabilityBytes: availability?.encodedBodySize ?? 0,
    };
  });
}
