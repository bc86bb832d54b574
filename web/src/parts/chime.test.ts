import { afterEach, beforeEach, expect, test, vi } from 'vitest';

// A browser after a reload: the choice is kept, and there is no sound until the fan does something.

let played: number;
let isAllowed: boolean;
let contexts: number;

class SilentAtFirst {
  readonly currentTime = 0;
  readonly destination = {};
  readonly #waiting: (() => void)[] = [];

  constructor() {
    contexts += 1;
    addEventListener('keydown', () => this.#waiting.splice(0).forEach((go) => go()));
  }

  resume(): Promise<void> {
    return isAllowed ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  createOscillator() {
    played += 1;
    return { frequency: {}, connect: (to: unknown) => to, start: () => {}, stop: () => {} };
  }

  createGain() {
    const gain = { setValueAtTime: () => {}, exponentialRampToValueAtTime: () => {} };
    return { gain, connect: () => {} };
  }
}

async function page(isSoundChosen: boolean) {
  const kept = new Map(isSoundChosen ? [['tutti.sound', 'on']] : []);
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
  });
  const events = new EventTarget();
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events));
  vi.stubGlobal('AudioContext', SilentAtFirst);
  vi.resetModules();
  const sound = await import('./chime.ts');
  const act = async (): Promise<void> => {
    isAllowed = true;
    events.dispatchEvent(new Event('keydown'));
    await Promise.resolve();
  };
  return { ...sound, act };
}

beforeEach(() => {
  [played, contexts, isAllowed] = [0, 0, false];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('who chose the sound before a reload hears it, whatever they did first on the new page', async () => {
  const { readySound, chime, act } = await page(true);
  readySound();
  expect(contexts).toBe(0);
  await act();
  expect([contexts, played]).toEqual([1, 0]);
  chime();
  await Promise.resolve();
  expect(played).toBe(2);
});

test('what was not allowed in time is not played at a later click', async () => {
  const { chime, act } = await page(true);
  vi.useFakeTimers({ toFake: ['performance'] });
  chime();
  vi.advanceTimersByTime(60_000);
  await act();
  expect(played).toBe(0);
});

test('who chose no sound hears none, and choosing it plays it', async () => {
  const { readySound, setSound, chime, act } = await page(false);
  readySound();
  await act();
  chime();
  await Promise.resolve();
  expect([contexts, played]).toEqual([0, 0]);
  setSound(true);
  await Promise.resolve();
  expect([contexts, played]).toEqual([1, 2]);
});
