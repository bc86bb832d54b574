import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from 'playwright-core';
import { seasonOpeningIn } from './season.ts';
import { Stage, type Visitor } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(seasonOpeningIn(86_400));
});
afterAll(() => stage.close());

const eveningsMax = 9;
let visits = 0;
const anEvening = (): string => `blue-hour-${eveningsMax - (visits++ % eveningsMax)}`;

async function atCheckout(points: number): Promise<Visitor> {
  const fan = await stage.visitor({ language: 'en' });
  await fan.hasSignedIn(points);
  await fan.page.goto(`/concerts/blue-hour/seats/${anEvening()}`);
  await fan.button(fan.t.seatScreen.find).click();
  await fan.button(fan.t.seatScreen.reserve).click();
  await fan.heading(fan.t.checkout.title).waitFor();
  return fan;
}

const pay = (fan: Visitor) => fan.button(/^Pay \d/);

/** The server does it; its answer is lost on the way. */
const loseAnswer = async (route: Route): Promise<void> => {
  await route.fetch();
  await route.abort();
};

const entriesOf = (fan: Visitor): Promise<string[]> =>
  fan.page.evaluate(async () => {
    const { items }: { items: { type: string }[] } = await (await fetch('/api/v1/points/entries')).json();
    return items.map(({ type }) => type);
  });

/** The keys of the payments, or cancellations, that the page asks for from now on. */
function keysOf({ page }: Visitor, effect: 'payment' | 'cancellation'): string[] {
  const keys: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith(`/${effect}`)) keys.push(request.headers()['idempotency-key'] ?? 'none');
  });
  return keys;
}

const askedTwiceWithOneKey = (keys: readonly string[]): void => {
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
};

const reservationAt = ({ page }: Visitor): string => new URL(page.url()).pathname.split('/').at(-1) ?? '';

describe('whatever the connection does', () => {
  test('a payment that takes long is followed to its end', async () => {
    const fan = await atCheckout(500_000);
    const { page, t } = fan;
    const keys = keysOf(fan, 'payment');
    await page.route(
      '**/payment',
      (route) => route.continue({ headers: { ...route.request().headers(), prefer: 'wait=1' } }),
      { times: 1 },
    );
    const letGo = await stage.system.holding('payment', 'select 1 from wallet for update', []);
    await pay(fan).click();
    await fan.text(t.checkout.still).waitFor();
    await letGo();
    await fan.heading(t.checkout.paid).waitFor();
    askedTwiceWithOneKey(keys);
    await fan.close();
  });

  test('whose time runs out before the payment is told so, and may choose again', async () => {
    const fan = await atCheckout(500_000);
    const { page, t } = fan;
    const soon = `update reservation set expires_at = clock_timestamp() + interval '2 s' where id = $1`;
    await stage.system.query('concert', soon, [reservationAt(fan)]);
    // As a fan does who comes back to the tab: what is shown is read again.
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
    await page.locator('h1:focus', { hasText: t.checkout.over }).waitFor();
    const said = t.refusals.reservation_expired;
    await page.getByRole('status').getByText(said.join(' ')).waitFor({ state: 'attached' });
    expect(await fan.barriers()).toEqual([]);
    await fan.link(t.checkout.again).click();
    await fan.button(t.seatScreen.find).waitFor();
    await fan.close();
  });

  test('a reload at every step loses nothing', async () => {
    const fan = await stage.visitor({ language: 'ko' });
    const { page, t } = fan;
    await page.goto(`/concerts/blue-hour/seats/${anEvening()}`);
    await fan.chooseInList('Floor', '2', 3, 4);
    await page.reload();
    await fan.text(t.seatScreen.chosen(2, 6)).waitFor();
    await fan.button(t.seatScreen.reserve).click();
    await fan.signUp();
    await fan.heading(t.checkout.title).waitFor();
    await page.reload();
    await fan.button(t.checkout.chargeMissing(t.points(132_000))).click();
    await fan.text(t.checkout.after).waitFor();
    await page.reload();
    await fan.button(t.checkout.pay(t.points(132_000))).click();
    await fan.heading(t.checkout.paid).waitFor();
    await page.reload();
    await fan.heading(t.checkout.paid).waitFor();
    expect(fan.complaints).toEqual([]);
    await fan.close();
  });

  test('a payment whose answer was lost is found again and taken once', async () => {
    const fan = await atCheckout(500_000);
    const keys = keysOf(fan, 'payment');
    await fan.page.route('**/payment', loseAnswer, { times: 1 });
    await pay(fan).click();
    await fan.heading(fan.t.checkout.paid).waitFor();
    askedTwiceWithOneKey(keys);
    expect((await entriesOf(fan)).filter((type) => type === 'payment')).toHaveLength(1);
    await fan.close();
  });

  test('a reservation whose answer was lost is found when the admission was lost, too', async () => {
    const fan = await stage.visitor({ language: 'en' });
    await fan.hasSignedIn();
    await fan.page.goto(`/concerts/blue-hour/seats/${anEvening()}`);
    // As the door answers who brings no admission, whatever the key.
    const noTurn = { type: 'about:blank', title: 'Not in', status: 403, code: 'admission_required' };
    await fan.page.route('**/reservations', (route) =>
      route.request().method() === 'POST' ? route.fulfill({ status: 403, json: noTurn }) : route.continue(),
    );
    await fan.page.route('**/reservations', loseAnswer, { times: 1 });
    await fan.button(fan.t.seatScreen.find).click();
    await fan.button(fan.t.seatScreen.reserve).click();
    await fan.heading(fan.t.checkout.title).waitFor();
    await fan.close();
  });

  test('a page that is reloaded in the middle of a payment goes on with it, and finds its outcome', async () => {
    const fan = await atCheckout(500_000);
    const keys = keysOf(fan, 'payment');
    let isHeard = (): void => {};
    const heard = new Promise<void>((resolve) => (isHeard = resolve));
    // On its way when the page is left; the server never hears of it.
    await fan.page.route('**/payment', () => isHeard(), { times: 1 });
    await pay(fan).click();
    await heard;
    await fan.page.reload();
    await fan.heading(fan.t.checkout.paid).waitFor();
    askedTwiceWithOneKey(keys);
    expect((await entriesOf(fan)).filter((type) => type === 'payment')).toHaveLength(1);
    await fan.close();
  });

  test('a charge whose answer was lost is made once', async () => {
    const fan = await atCheckout(1);
    await fan.page.route('**/charges', loseAnswer, { times: 1 });
    await fan.button(/^Charge the missing/).click();
    await fan.text(fan.t.checkout.after).waitFor();
    expect((await entriesOf(fan)).filter((type) => type === 'charge')).toHaveLength(2);
    await fan.close();
  });

  test('who signs out while the server cannot be told is told so, and is signed out at the next try', async () => {
    const fan = await stage.visitor({ language: 'en' });
    const { page, t } = fan;
    await fan.hasSignedIn();
    await page.reload();
    await page.route('**/sessions/current', (route) => route.abort(), { times: 1 });
    await fan.button(t.nav.signOut).click();
    await fan.text(t.nav.stillIn[0]).waitFor();
    expect(await fan.barriers()).toEqual([]);
    await fan.button(t.retry).click();
    await fan.button(t.nav.signOut).waitFor({ state: 'detached' });
    await fan.text(t.tickets.signIn).waitFor();
    await fan.close();
  });

  test('what is wished offline is done when the connection is back', async () => {
    const fan = await atCheckout(500_000);
    await fan.context.setOffline(true);
    await fan.text(fan.t.offline).waitFor();
    await pay(fan).click();
    await fan.text(fan.t.unreachable[0]).waitFor();
    await fan.context.setOffline(false);
    await fan.heading(fan.t.checkout.paid).waitFor();
    await fan.close();
  });

  test('a cancellation that was cut off is not gone on with until the fan says so again', async () => {
    const fan = await atCheckout(1);
    const { page, t } = fan;
    const keys = keysOf(fan, 'cancellation');
    const heard = Promise.withResolvers<void>();
    await page.route('**/cancellation', () => heard.resolve(), { times: 1 });
    await fan.button(t.checkout.giveUp).click();
    await fan.button(t.tickets.cancelDo).click();
    await heard.promise;
    for (const key of ['Escape', 'Escape', 'Escape']) await page.keyboard.press(key);
    await fan.button(t.tickets.cancelling).waitFor();

    await page.reload();
    await fan.button(t.checkout.giveUp).click();
    await fan.text(t.tickets.cancelOpen).waitFor();
    await fan.button(t.tickets.cancelKeep).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await fan.button(t.checkout.giveUp).click();
    expect(keys).toHaveLength(1);
    await fan.button(t.tickets.cancelDo).click();
    await fan.text(t.refusals.reservation_cancelled[0]).waitFor();
    askedTwiceWithOneKey(keys);
    await fan.close();
  });

  test('a refusal ends a wish: after charging, paying is a new one', async () => {
    const fan = await atCheckout(140_000);
    // Meanwhile the points are spent elsewhere.
    await spend(fan);
    const keys = keysOf(fan, 'payment');
    await pay(fan).click();
    await fan.button(/^Charge the missing/).click();
    await fan.text(fan.t.checkout.after).waitFor();
    await pay(fan).click();
    await fan.heading(fan.t.checkout.paid).waitFor();
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(2);
    await fan.close();
  });

  test('who is signed out in the middle signs in where they are, and goes on', async () => {
    const fan = await atCheckout(500_000);
    await fan.context.clearCookies();
    await pay(fan).click();
    await fan.page.getByRole('dialog').waitFor();
    expect(await fan.barriers()).toEqual([]);
    await fan.signIn();
    await fan.heading(fan.t.checkout.paid).waitFor();

    // The concert begins: its ticket says what it is for, still.
    const begun = `update performance set starts_at = now() where id = (select performance_id from reservation where id = $1)`;
    await stage.system.query('concert', begun, [reservationAt(fan)]);
    await fan.page.goto('/tickets');
    await fan.page.getByRole('heading', { name: /^Blue Hour/, level: 2 }).waitFor();
    await fan.close();
  });
});

/** Buys other seats by the API, as another device of the same fan would. */
async function spend(fan: Visitor): Promise<void> {
  await fan.page.evaluate(
    async ([performanceId, ids]) => {
      const post = async (path: string, body: object): Promise<{ reservationId: string }> => {
        const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
        return (
          await fetch(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
        ).json();
      };
      const { reservationId } = await post('/reservations', { performanceId, seatIds: ids });
      await post(`/reservations/${reservationId}/payment`, {});
    },
    ['blue-hour-1', ['B-4-3', 'B-4-4']] as const,
  );
}
