import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { text } from '../../test/support/client.ts';
import { untilQueue } from '../../test/support/line.ts';
import { Stage, type Visitor } from './stage.ts';

// It opens when both fans have seen that it is not open yet.
const opensAt = Date.now() + 3_600_000;
const season = `
season: line
concerts:
  - id: afterglow
    title: { en: Afterglow, ko: 애프터글로우 }
    artist: { en: NOVALINE, ko: 노바라인 }
    venue: VENUES/lantern-room.yaml
    onSaleAt: ${new Date(opensAt).toISOString()}
    waitingRoom: { inside: 1, pace: 10 }
    prices: { R: 66000, S: 50000 }
    performances:
      - { id: afterglow-1, startsAt: 2030-09-01T20:00:00+09:00 }
`;

describe('the waiting room', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open(season);
  });
  afterAll(() => stage.close());

  async function inLine(language: 'ko' | 'en'): Promise<Visitor> {
    const fan = await stage.visitor({ language });
    // Nobody listens: the notes are counted.
    await fan.page.addInitScript(() => {
      const create = AudioContext.prototype.createOscillator;
      AudioContext.prototype.createOscillator = function () {
        document.documentElement.dataset['notes'] += 'I';
        return create.call(this);
      };
    });
    await fan.hasSignedIn(500_000);
    await fan.page.goto('/concerts/afterglow/line/afterglow-1');
    return fan;
  }

  /** Everybody who asks is told so from now on. */
  async function opensIn(seconds: number): Promise<void> {
    await stage.system.query('concert', `update concert set on_sale_at = now() + $1 * interval '1 second'`, [
      seconds,
    ]);
    const isSoon = (body: unknown) => Date.parse(text(body, 'opensAt')) < opensAt - 1_800_000;
    await untilQueue({ address: stage.url }, 'afterglow', 'it opens soon', isSoon);
  }

  /** With nothing kept of what the server said: so far ahead of an opening a page looks only once a minute. */
  async function reloaded({ context, page }: Visitor): Promise<void> {
    const browser = await context.newCDPSession(page);
    await browser.send('Network.clearBrowserCache');
    await page.reload();
  }

  test(
    'draws numbers, keeps a place through a reload and a lost connection, and becomes the seat map',
    { timeout: 120_000 },
    async () => {
      const [ko, en] = await Promise.all([inLine('ko'), inLine('en')]);
      await Promise.all([ko, en].map((fan) => fan.text(fan.t.line.preQueueText).waitFor()));
      expect(await ko.barriers()).toEqual([]);
      await opensIn(5);
      await Promise.all([ko, en].map(reloaded));

      const inside = (fan: Visitor) => fan.page.waitForURL(/\/seats\//, { timeout: 40_000 });
      const [first, second] = await Promise.race([
        inside(ko).then(() => [ko, en] as const),
        inside(en).then(() => [en, ko] as const),
      ]);
      await first.page
        .getByRole('timer')
        .filter({ hasText: /\b9:\d\d/ })
        .waitFor();
      await first.page.waitForFunction((title) => document.title.startsWith(title), first.t.line.turnTitle);

      // Whoever has the first number may come to the door after the other, and stands before it then.
      await second.text(second.t.line.number).waitFor();
      const number = await second.page.locator('.line-number').innerText();
      const numbered = { hasText: new RegExp(`^${number}$`) };
      expect(['1', '2']).toContain(number);
      await second.page.waitForFunction(
        (title) => document.title.startsWith(title),
        second.t.line.aheadOf(0),
      );
      expect(await second.barriers()).toEqual([]);
      await second.page.getByLabel(second.t.line.sound).check();
      await second.page.reload();
      await second.page.locator('.line-number', numbered).waitFor();
      await second.page.keyboard.press('Tab');
      await second.context.setOffline(true);
      await second.text(second.t.offline).waitFor();
      await second.page.locator('.line-number', numbered).waitFor();
      await second.context.setOffline(false);
      // The session ends in the line: the place is kept, and at the turn the sign-in is there.
      await second.context.clearCookies();

      await first.chooseInList('Floor', '2', 3);
      await first.button(first.t.seatScreen.reserve).click();
      await first.heading(first.t.checkout.title).waitFor();
      await first.button(first.t.checkout.pay(first.t.points(66_000))).click();
      await first.heading(first.t.checkout.paid).waitFor();

      await second.page.getByLabel(second.t.account.password).waitFor({ timeout: 40_000 });
      await second.signIn();
      await inside(second);
      await second.text(`${second.t.line.turn}. ${second.t.line.turnText}`).waitFor({ state: 'attached' });
      await second.page.locator('html[data-notes$=II]').waitFor({ state: 'attached' });

      // The visit is over, and somebody else is inside.
      await first.page.goto('/concerts/afterglow/seats/afterglow-1');
      await first.text(first.t.refusals.admission_required[0]).waitFor();
      expect(await first.page.getByRole('timer').count()).toBe(0);
      await first.page.goto('/concerts/afterglow/line/afterglow-1');
      await first.page.locator('.line-number', { hasText: number === '1' ? /^2$/ : /^1$/ }).waitFor();
      await first.page.waitForFunction((title) => document.title.startsWith(title), first.t.line.aheadOf(0));
      expect([...first.complaints, ...second.complaints]).toEqual([]);
      await Promise.all([first.close(), second.close()]);
    },
  );
});
