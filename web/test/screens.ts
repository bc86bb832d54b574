import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { goIn } from '../../test/support/line.ts';
import { Stage, type Look, type Visitor } from './stage.ts';

// npm run screens: every screen of the app, in both languages and sizes, as a fan meets them on the way to a ticket. To be looked
// at after every change of the looks.

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'docs/screens');

const looks: readonly Required<Look>[] = [
  { language: 'ko', size: 'desktop', scheme: 'light' },
  { language: 'ko', size: 'phone', scheme: 'dark' },
  { language: 'en', size: 'desktop', scheme: 'dark' },
  { language: 'en', size: 'phone', scheme: 'light' },
];
const openingSeconds = 900;
const inside = 30;

/** The demo season, with one sale that is still to open. */
async function season(): Promise<string> {
  const demo = await readFile(path.join(root, 'seasons/demo.yaml'), 'utf8');
  const opens = new Date(Date.now() + openingSeconds * 1_000).toISOString();
  return demo
    .replaceAll('../venues', 'VENUES')
    .replace('2026-01-20T14:00:00+09:00', `${opens}\n    waitingRoom: { inside: 300, pace: 30 }`)
    .replace('waitingRoom: { inside: 300, pace: 30 }', `waitingRoom: { inside: ${inside}, pace: 30 }`);
}

/** Others have come before whoever comes now: some are inside, the rest stand in line. */
async function line({ system }: Stage, concertId: string): Promise<void> {
  const fans = await system.fans(340);
  await Promise.all(fans.slice(0, inside).map((fan) => goIn(fan, concertId)));
  for (const fan of fans.slice(inside)) await fan.post(`/api/v1/concerts/${concertId}/queue-tokens`);
}

/** Others have been here: the halls are not empty. */
async function crowd({ system }: Stage, performanceId: string): Promise<void> {
  const { sections } = await (
    await fetch(`${system.address}/api/v1/performances/${performanceId}/seat-map`)
  ).json();
  const seats: string[] = sections.flatMap((section: { seats: { seatId: string }[] }, at: number) =>
    section.seats.filter((_, index) => index % 7 < (at % 4) + 1).map(({ seatId }) => seatId),
  );
  const fans = await system.fans(Math.min(300, Math.ceil(seats.length / 6)));
  await Promise.all(
    fans.map(async (fan, at) => {
      const { text } = await fan.reserve(performanceId, seats.slice(at * 6, at * 6 + 6));
      if (at % 2 === 0) await fan.charge(2_000_000);
      const id = /"reservationId":"([^"]+)"/.exec(text)?.[1];
      if (at % 2 === 0 && id !== undefined) await fan.pay(id);
    }),
  );
}

async function walk(stage: Stage, look: Required<Look>, evening: string): Promise<void> {
  const fan = await stage.visitor(look);
  const { page, t } = fan;
  const shot = shots(fan, look);
  const concertId = evening.replace(/-\d$/, '');

  await page.goto('/');
  await page.locator('.card-when').first().filter({ hasText: /\d/ }).waitFor();
  await shot('season', look.size === 'desktop');
  await page.goto('/concerts/resurrection');
  await page.getByRole('timer').waitFor();
  await shot('opening');
  await page.goto(`/concerts/${concertId}`);
  await fan
    .link(new RegExp(`^(${t.concert.choose}|${t.concert.lineUp})`))
    .first()
    .waitFor();
  await shot('concert');

  await page.goto(`/concerts/${concertId}/seats/${evening}`);
  await page.locator('canvas').waitFor();
  await fan.button(t.seatScreen.find).click();
  await fan.text(t.seatScreen.chosen(2, 6)).waitFor();
  await shot('seats');
  await page.getByRole('radio', { name: t.seatScreen.list, exact: true }).check();
  await fan
    .button(new RegExp(`^(${t.section('Stalls Left')}|${t.section('Floor')})`))
    .first()
    .click();
  await shot('seat-list');
  await fan.button(t.seatScreen.reserve).click();
  await page.getByRole('radio', { name: t.account.signUp, exact: true }).check();
  await shot('sign-up');
  await fan.signUp();

  await fan.heading(t.checkout.title).waitFor();
  await fan.button(/충전하기$|^Charge/).waitFor();
  await shot('checkout-charge');
  await fan.button(/충전하기$|^Charge/).click();
  await fan.text(t.checkout.after).waitFor();
  await shot('checkout', true);
  await fan.button(/결제하기$|^Pay \d/).click();
  await fan.heading(t.checkout.paid).waitFor();
  await page.getByRole('img', { name: t.tickets.qr }).waitFor();
  await shot('ticket', true);

  await fan.link(t.tickets.what).click();
  await fan.heading(t.operation.title).waitFor();
  await shot('timeline');
  await page.goto('/concerts/afterglow/line/afterglow-1');
  await fan.text(t.line.number).waitFor();
  await shot('waiting-room');
  await page.goto('/concerts/resurrection/line/resurrection-1');
  await fan.text(t.line.preQueueText).waitFor();
  await shot('pre-queue');
  await fan.link(t.nav.tickets).click();
  await fan.text(t.tickets.states.paid).waitFor();
  await shot('tickets');
  await fan.button(t.tickets.cancel).click();
  await shot('cancel');
  await page.keyboard.press('Escape');
  await fan.link(t.nav.points).click();
  await fan.text(t.ledger.types.payment).waitFor();
  await shot('points');
  await fan.close();
}

/** JPEG: a folder of these is in the repository. */
const shots =
  ({ page }: Visitor, { language, size, scheme }: Required<Look>) =>
  async (name: string, fullPage = false): Promise<void> => {
    await page.evaluate(async () => {
      await document.fonts.ready;
      // What was decided is painted with the frame after the next.
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    });
    await page.waitForLoadState('networkidle').catch(() => {});
    const file = path.join(folder, `${name}-${language}-${size}-${scheme}.jpg`);
    await page.screenshot({ path: file, type: 'jpeg', quality: 78, fullPage });
  };

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const stage = await Stage.open(await season());
try {
  const evenings = ['letters-i-kept-1', 'letters-i-kept-2', 'letters-i-kept-3', 'blue-hour-1'];
  await crowd(stage, 'letters-i-kept-1');
  await crowd(stage, 'letters-i-kept-2');
  await line(stage, 'afterglow');
  for (const [index, look] of looks.entries()) await walk(stage, look, evenings[index] ?? '');
} finally {
  await stage.close();
}
