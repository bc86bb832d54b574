import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stage, type Visitor } from './stage.ts';

const hasLine = existsSync(path.resolve(import.meta.dirname, '../../services/waiting-room'));
// Late enough for the system to be up and both fans to be here, on a slow machine too.
const opensAt = Date.now() + 30_000;
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

describe.skipIf(!hasLine)('the waiting room', () => {
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

  test(
    'draws numbers, keeps a place through a reload and a lost connection, and becomes the seat map',
    { timeout: 120_000 },
    async () => {
      const [ko, en] = await Promise.all([inLine('ko'), inLine('en')]);
      await Promise.all([ko, en].map((fan) => fan.text(fan.t.line.preQueueText).waitFor()));
      expect(await ko.barriers()).toEqual([]);

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
      expect(await second.page.locator('.line-number').innerText()).toBe(number);
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
      await first.page.goto('/concerts/afterglow/line/afterglow-1');
      await first.page.locator('.line-number', { hasText: number === '1' ? /^2$/ : /^1$/ }).waitFor();
      await first.page.waitForFunction((title) => document.title.startsWith(title), first.t.line.aheadOf(0));
      expect([...first.complaints, ...second.complaints]).toEqual([]);
      await Promise.all([first.close(), second.close()]);
    },
  );
});
