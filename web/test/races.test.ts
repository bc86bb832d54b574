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
    await slow.page.evaluate(() => dispatchEvent(new Event('visibilitychange')));
    await Promise.all([fast, slow].map((fan) => fan.button(fan.t.seatScreen.reserve).click()));
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
