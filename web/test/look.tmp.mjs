import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
const base = `http://localhost:${readFileSync('/tmp/web-vite','utf8').trim()}`;
const [,, pathname='/', name='x', ...opts] = process.argv;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless','--no-sandbox','--disable-gpu','--disable-quic','--no-first-run','--disable-background-networking','--disable-component-update','--disable-sync'] });
for (const o of (opts.length?opts:['ko-desktop-light','en-phone-dark'])) {
  const [lang,size,scheme]=o.split('-');
  const ctx = await browser.newContext({ locale: lang==='ko'?'ko-KR':'en-US', colorScheme: scheme, viewport: size==='phone'?{width:390,height:844}:{width:1280,height:860}, deviceScaleFactor: size==='phone'?1.5:1 });
  const page = await ctx.newPage();
  page.on('console', m => ['error','warning'].includes(m.type()) && console.log(m.text()));
  page.on('pageerror', e => console.log(String(e)));
  await page.goto(base+pathname); await page.waitForTimeout(1500);
  await page.screenshot({ path: `/tmp/shots/${name}-${o}.png`, fullPage: true });
}
await browser.close();
