import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Locator } from 'playwright-core';
import { seasonOpeningIn } from './season.ts';
import { Stage, type Visitor } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(seasonOpeningIn(86_400));
});
afterAll(() => stage.close());

const stopsMax = 60;

const hasFocus = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => element === document.activeElement);

/** With the Tab key alone. */
async function tabTo({ page }: Visitor, target: Locator): Promise<void> {
  await target.waitFor();
  for (let stops = 0; stops < stopsMax; stops++) {
    if (await hasFocus(target)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${target.toString()} cannot be reached with ${stopsMax} stops`);
}

test('a fan without a mouse buys a ticket, and the focus is where the page is', async () => {
  const fan = await stage.visitor({ language: 'en' });
  const { page, t } = fan;
  const press = (key: string) => page.keyboard.press(key);
  const title = 'Blue Hour: An Evening of Standards';
  await page.goto('/');
  await fan.heading(t.season.title).waitFor();

  // Before the page has drawn anything there is nothing to go to.
  await fan.link(t.skip).waitFor({ state: 'attached' });
  await press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(t.skip);
  const signIn = page.getByRole('navigation').getByRole('button', { name: t.nav.signIn });
  await tabTo(fan, signIn);
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await hasFocus(signIn)).toBe(true);

  await tabTo(fan, fan.link(new RegExp(title)));
  await press('Enter');
  await fan.heading(title).waitFor();
  expect(await hasFocus(fan.heading(title))).toBe(true);

  await tabTo(fan, fan.link(new RegExp(`^${t.concert.choose}`)).first());
  await press('Enter');
  await tabTo(fan, page.getByRole('radio', { name: t.seatScreen.map, exact: true }));
  await press('ArrowRight');
  await tabTo(fan, fan.button(/^Floor/));
  await press('Enter');
  await press('ArrowDown');
  await press('Enter');
  await press('ArrowDown');
  await press('Enter');
  await press('ArrowRight');
  await press('Enter');
  await fan.text(t.seatScreen.chosen(2, 6)).waitFor();
  await tabTo(fan, fan.button(t.seatScreen.reserve));
  await press('Enter');

  await tabTo(fan, page.getByRole('radio', { name: t.account.signIn, exact: true }));
  await press('ArrowRight');
  await tabTo(fan, page.getByLabel(t.account.name, { exact: true }));
  await page.keyboard.type('Mina Kim');
  await press('Tab');
  await page.keyboard.type(`keys-${process.pid}@example.org`);
  await press('Tab');
  await page.keyboard.type('a long password');
  await press('Enter');

  await fan.heading(t.checkout.title).waitFor();
  await tabTo(fan, fan.button(/^Charge the missing/));
  await press('Enter');
  await tabTo(fan, fan.button(/^Pay \d/));
  await fan.text(t.checkout.after).waitFor();
  await press('Enter');
  await page.locator('h1:focus', { hasText: t.checkout.paid }).waitFor();
  await page.getByRole('status').getByText(t.checkout.paidText).waitFor({ state: 'attached' });
  await fan.close();
});
