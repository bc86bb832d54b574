import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seasonOpeningIn } from './season.ts';
import { Stage, type Look } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(seasonOpeningIn(86_400));
});
afterAll(() => stage.close());

const looks: readonly (Look & { evening: number; title: string })[] = [
  { language: 'ko', size: 'desktop', evening: 1, title: '블루 아워: 스탠더드의 밤' },
  { language: 'ko', size: 'phone', scheme: 'dark', evening: 2, title: '블루 아워: 스탠더드의 밤' },
  {
    language: 'en',
    size: 'desktop',
    scheme: 'dark',
    evening: 3,
    title: 'Blue Hour: An Evening of Standards',
  },
  { language: 'en', size: 'phone', evening: 4, title: 'Blue Hour: An Evening of Standards' },
];

describe('a fan who has never been here', () => {
  test.each(looks)(
    'gets from the front page to a paid ticket: $language, $size',
    async ({ evening, title, ...look }) => {
      const fan = await stage.visitor(look);
      const { page, t } = fan;
      const barriers: string[] = [];
      const look_ = async (): Promise<void> => void barriers.push(...(await fan.barriers()));

      await page.goto('/');
      await page.getByRole('searchbox').fill('standards');
      await fan.link(new RegExp(title)).waitFor();
      await fan.link(/Resurrection|부활/).waitFor({ state: 'detached' });
      await look_();
      await fan.link(new RegExp(title)).click();

      await fan.heading(title).waitFor();
      await fan
        .link(new RegExp(`^${t.concert.choose}`))
        .nth(evening - 1)
        .waitFor();
      await look_();
      await fan
        .link(new RegExp(`^${t.concert.choose}`))
        .nth(evening - 1)
        .click();

      await page.locator('canvas').waitFor();
      await look_();
      await fan.chooseInList('Floor', '2', 3, 4);
      await fan.text(t.seatScreen.chosen(2, 6)).waitFor();
      await look_();
      await fan.button(t.seatScreen.reserve).click();

      await page.getByRole('dialog').waitFor();
      await look_();
      await fan.signUp();

      await fan.heading(t.checkout.title).waitFor();
      await fan.text(t.checkout.missingPoints(t.points(132_000))).waitFor();
      await look_();
      await fan.button(t.checkout.chargeMissing(t.points(132_000))).click();
      await fan.text(t.checkout.missingPoints(t.points(132_000))).waitFor({ state: 'detached' });
      await fan.button(t.checkout.pay(t.points(132_000))).click();

      await fan.heading(t.checkout.paid).waitFor();
      await page.getByRole('img', { name: t.tickets.qr }).waitFor();
      await look_();
      await fan.link(t.checkout.toTicket).click();
      await fan.text(t.tickets.states.paid).waitFor();
      await look_();

      await fan.button(t.tickets.cancel).click();
      await fan.text(t.tickets.cancelPaid(t.points(132_000))).waitFor();
      await look_();
      await fan.button(t.tickets.cancelDo).click();
      await fan.text(t.tickets.states.cancelled).waitFor();

      await fan.link(t.nav.points).click();
      await fan.text(t.ledger.types.return).waitFor();
      await look_();
      expect(barriers).toEqual([]);
      expect(fan.complaints).toEqual([]);
      await fan.close();
    },
  );
});

describe('the season', () => {
  test('counts down to an opening, by the server’s clock, whatever the device’s clock says', async () => {
    const fan = await stage.visitor({ language: 'en' });
    await fan.page.clock.install({ time: new Date('2031-01-01T00:00:00Z') });
    await fan.page.goto('/concerts/resurrection');
    const timer = fan.page.getByRole('timer');
    await timer.waitFor();
    await fan.page.clock.runFor(1_500);
    expect(await timer.innerText()).toMatch(/^00\s+days\s+23\s+hours\s+5\d/);
    expect(await fan.barriers()).toEqual([]);
    await fan.close();
  });

  test('is where it was, and what it was, for who comes back to it', async () => {
    const fan = await stage.visitor({ language: 'en', size: 'phone' });
    const { page, t } = fan;
    await page.goto('/');
    await page.getByRole('searchbox').fill('ga');
    await page.getByRole('radio', { name: t.season.soon }).check();
    await fan.link(/Blue Hour/).waitFor({ state: 'detached' });
    const card = fan.link(/Resurrection/);
    await card.scrollIntoViewIfNeeded();
    await page.evaluate(() => scrollBy(0, 150));
    const left = await page.evaluate(() => scrollY);
    expect(left).toBeGreaterThan(0);
    await card.click();
    await page.getByRole('timer').waitFor();
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await page.goBack();
    await card.waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('ga');
    expect(await fan.link(/Blue Hour/).count()).toBe(0);
    await page.waitForFunction((there) => scrollY === there, left);
    await fan.close();
  });

  test('says so where there is nothing', async () => {
    const fan = await stage.visitor({ language: 'en' });
    await fan.page.goto('/concerts/nobody');
    await fan.text('There is no such concert.').waitFor();
    await fan.page.goto('/concerts/resurrection/seats/blue-hour-1');
    await fan.text('There is no such date.').waitFor();
    expect(await fan.barriers()).toEqual([]);
    await fan.page.goto('/nowhere');
    await fan.heading(fan.t.missing.title).waitFor();
    await fan.link(fan.t.missing.action).click();
    await fan.heading(fan.t.season.title).waitFor();
    await fan.close();
  });
});
