import { packSeats } from '@tutti/contracts';
import { seatMap } from '@tutti/contracts/http';
import { until } from '@tutti/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seasonOpeningIn } from './season.ts';
import { Stage, type Visitor } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(seasonOpeningIn(86_400));
});
afterAll(() => stage.close());

async function atSeats(evening: string, language: 'ko' | 'en'): Promise<Visitor> {
  const fan = await stage.visitor({ language });
  await fan.hasSignedIn(1_000_000);
  await fan.page.goto(`/concerts/blue-hour/seats/${evening}`);
  return fan;
}

/** Another window, and back: everything is asked for again. */
async function lookAway({ page }: Visitor): Promise<void> {
  await page.evaluate(() => {
    for (const isHidden of [true, false]) {
      Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }
  });
}

describe('two fans and one seat', () => {
  test('who looks on while it is taken is told, and offered others by the server', async () => {
    const [fast, slow] = await Promise.all([atSeats('blue-hour-1', 'en'), atSeats('blue-hour-1', 'ko')]);
    await fast.chooseInList('Floor', '2', 3, 4);
    await slow.chooseInList('Floor', '2', 3, 4);
    await fast.button(fast.t.seatScreen.reserve).click();
    await fast.heading(fast.t.checkout.title).waitFor();

    const lost = slow.page.getByRole('alert');
    await lost.waitFor();
    expect(await lost.innerText()).toContain('플로어 2열 3번');
    await slow.button(slow.t.seatScreen.take).first().click();
    await slow.button(slow.t.seatScreen.reserve).click();
    await slow.heading(slow.t.checkout.title).waitFor();
    expect([...fast.complaints, ...slow.complaints]).toEqual([]);
    await Promise.all([fast.close(), slow.close()]);
  });

  test('who asks for it a moment later is refused, and offered others in the refusal', async () => {
    const [fast, slow] = await Promise.all([atSeats('blue-hour-2', 'en'), atSeats('blue-hour-2', 'en')]);
    // The slow one hears of nothing: neither stream nor poll gets through.
    await fast.chooseInList('Floor', '2', 3);
    await slow.chooseInList('Floor', '2', 3);
    await slow.page.route('**/availability**', (route) => route.abort());
    await slow.page.route('**/availability/stream**', (route) => route.abort());
    await lookAway(slow);
    // In this order: the one who hears of nothing can still press when the other's seat is taken.
    for (const fan of [fast, slow]) await fan.button(fan.t.seatScreen.reserve).click();
    const [winner, loser] = await Promise.race([
      fast
        .heading(fast.t.checkout.title)
        .waitFor()
        .then(() => [fast, slow] as const),
      slow
        .heading(slow.t.checkout.title)
        .waitFor()
        .then(() => [slow, fast] as const),
    ]);
    await loser.page.getByRole('alert').waitFor();
    expect(await loser.page.getByRole('alert').innerText()).toContain(
      loser.t.seatScreen.lost('Floor · row 2 · seat 3'),
    );
    await loser.button(loser.t.seatScreen.take).first().waitFor();
    expect(winner.page.url()).toMatch(/reservations/);
    await Promise.all([fast.close(), slow.close()]);
  });

  test('what is taken before the stream is open is told by the stream', async () => {
    const [fast, slow] = await Promise.all([atSeats('blue-hour-4', 'en'), stage.visitor({ language: 'en' })]);
    // The bytes are on their way while the other fan reserves.
    const reserved = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    await slow.page.route(
      '**/availability',
      async (route) => {
        const response = await route.fetch();
        asked.resolve();
        await reserved.promise;
        await route.fulfill({ response });
      },
      { times: 1 },
    );
    await fast.chooseInList('Floor', '2', 3);
    await slow.page.goto('/concerts/blue-hour/seats/blue-hour-4');
    await asked.promise;
    await fast.button(fast.t.seatScreen.reserve).click();
    await fast.heading(fast.t.checkout.title).waitFor();
    const left = `${stage.url}/api/v1/performances/blue-hour-4/availability`;
    await until('the gateway knows', async () => Number((await fetch(left)).headers.get('sequence')) > 0);
    // No poll shall tell it instead.
    await slow.page.route('**/availability', (route) => route.abort());
    reserved.resolve();
    await slow.chooseInList('Floor', '2');
    await slow.seatInList('Floor', '2', 4).waitFor();
    await slow.seatInList('Floor', '2', 3).waitFor({ state: 'detached' });
    await Promise.all([fast.close(), slow.close()]);
  });

  test('another version of the map is read while it is open, and what was chosen stays chosen', async () => {
    const fan = await atSeats('blue-hour-5', 'en');
    await fan.chooseInList('Floor', '2', 3, 4);
    const total = fan.page.locator('.choice-total b');
    expect(await total.innerText()).toBe(fan.t.points(132_000));
    // The prices change, and with them the order: what is free are the chosen seats only, whose places were another's.
    const before = await fetch(`${stage.url}/api/v1/performances/blue-hour-5/seat-map`);
    const { version, sections } = seatMap.parse(await before.json());
    const next = {
      version: version + 1,
      sections: sections.toReversed().map((one) => ({ ...one, price: one.price + 11_000 })),
    };
    const chosen = await fan.page.evaluate(() => sessionStorage.getItem('tutti.seats.blue-hour-5') ?? '');
    const seats = next.sections.flatMap((section) => section.seats);
    const body = Buffer.from(
      packSeats(seats.map(({ seatId }) => (chosen.includes(`"${seatId}"`) ? 0 : 1)).join('')),
    );
    const headers = { 'seat-map-version': String(next.version), sequence: '1' };
    await fan.page.route('**/availability/stream**', (route) => route.abort());
    await fan.page.route('**/availability', (route) => route.fulfill({ headers, body }));
    await fan.page.route('**/seat-map', (route) => route.fulfill({ json: next }));
    await lookAway(fan);
    await total.filter({ hasText: fan.t.points(154_000) }).waitFor();
    await fan.text(fan.t.seatScreen.chosen(2, 6)).waitFor();
    await fan.close();
  });

  test('the best that are left come side by side, at the press of a button', async () => {
    const fan = await atSeats('blue-hour-3', 'en');
    const { t, page } = fan;
    await page.getByLabel(t.seatScreen.howMany).selectOption(t.seatScreen.together(4));
    await fan.button(t.seatScreen.find).click();
    await fan.text(t.seatScreen.chosen(4, 6)).waitFor();
    const labels = await page.locator('.choice-label').allInnerTexts();
    const places = labels.map((label) => /row (\d+) · seat (\d+)/.exec(label)?.slice(1).map(Number) ?? []);
    expect(new Set(places.map(([row]) => row)).size).toBe(1);
    const numbers = places.map(([, number = 0]) => number).toSorted((a, b) => a - b);
    expect(numbers.at(-1)).toBe((numbers[0] ?? 0) + 3);
    await fan.close();
  });
});
