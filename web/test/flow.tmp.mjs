import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
const base = `http://localhost:${readFileSync('/tmp/web-vite','utf8').trim()}`;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless','--no-sandbox','--disable-gpu','--disable-quic','--no-first-run','--disable-background-networking','--disable-component-update','--disable-sync'] });
for (const o of process.argv.slice(2)) {
  const [lang,size,scheme]=o.split('-');
  const ctx = await browser.newContext({ locale: lang==='ko'?'ko-KR':'en-US', colorScheme: scheme, viewport: size==='phone'?{width:390,height:844}:{width:1280,height:860}, deviceScaleFactor: 1 });
  const page = await ctx.newPage();
  page.setDefaultTimeout(8000);
  page.on('console', m => ['error','warning'].includes(m.type()) && console.log(m.text()));
  page.on('pageerror', e => console.log(String(e)));
  const shot = async (n, fullPage=true) => { await page.waitForTimeout(400); await page.screenshot({ path: `/tmp/shots/${n}-${o}.png`, fullPage }); };
  try {
  await page.goto(base+'/concerts/blue-hour/seats/blue-hour-1'); await page.waitForTimeout(1500);
  await shot('seats-empty');
  const boxes = page.getByRole('checkbox', { disabled: false });
  await boxes.nth(3).click(); await boxes.nth(4).click();
  await shot('seats', false);
  await page.getByRole('button', { name: /Hold these|좌석 선점하기/ }).click();
  await shot('signin', false);
  await page.locator('dialog .segment').nth(1).click();
  await page.locator('dialog button[type=submit]').click();
  await shot('signup-slips', false);
  await page.locator('[name=name]').fill('Mina Kim');
  await page.locator('[name=email]').fill(`mina${Date.now()}@example.com`);
  await page.locator('[name=password]').fill('a long password');
  await page.locator('dialog button[type=submit]').click();
  await page.waitForURL(/reservations/);
  await page.waitForTimeout(800);
  await shot('checkout-short');
  await page.locator('form.charge button[type=submit]').click();
  await page.waitForTimeout(1200);
  await shot('checkout-ready');
  await page.locator('.checkout-acts .button-main').click();
  await page.waitForTimeout(1200);
  await shot('paid');
  await page.goto(base+'/tickets'); await page.waitForTimeout(1000); await shot('tickets');
  await page.goto(base+'/points'); await page.waitForTimeout(1000); await shot('points');
  } catch (e) { console.log(String(e)); await shot('failed'); }
}
await browser.close();
