import { ensureProgram } from '@tutti/kit/service';
import { chromium, type Browser } from 'playwright-core';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's Chromium; drawn by the processor, as on a machine without a graphics card. */
export async function openBrowser(say: (sentence: string) => void): Promise<Browser> {
  const executablePath = await ensureProgram({ program: 'chromium', debianPackage: 'chromium' }, say);
  return chromium.launch({ executablePath, args: flags });
}
