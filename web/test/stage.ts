import { Started } from '../../test/support/started.ts';
import { barriersOf } from './axe.ts';
import { builtApp } from './built-app.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { messages, type Language, type Messages } from '../src/messages/index.ts';
import { openBrowser } from './seat-map/browser.ts';

const venues = path.resolve(import.meta.dirname, '../../venues');

export type Look = {
  readonly language?: Language;
  readonly size?: 'desktop' | 'phone';
  readonly scheme?: 'light' | 'dark';
};

/** The real system with the built app, and a browser to go to it. */
export class Stage {
  readonly url: string;
  readonly #system: Started;
  readonly #browser: Browser;
  readonly #close: () => Promise<void>;

  private constructor(url: string, system: Started, browser: Browser, close: () => Promise<void>) {
    this.url = url;
    this.#system = system;
    this.#browser = browser;
    this.#close = close;
  }

  static async open(season: string, env: Record<string, string> = {}): Promise<Stage> {
    const folder = await mkdtemp(path.join(tmpdir(), 'tutti-web-'));
    const seasonFile = path.join(folder, 'season.yaml');
    await writeFile(seasonFile, season.replaceAll('VENUES', path.relative(folder, venues)));
    const system = await Started.in(path.join(folder, 'data'), {
      SEASON: seasonFile,
      HOST: 'localhost',
      WEB_DIR: await builtApp(),
      ...env,
    });
    const [browser] = await Promise.all([
      openBrowser((sentence) => process.stdout.write(`${sentence}\n`)),
      system.start(),
    ]);
    return new Stage(`http://localhost:${system.port}`, system, browser, async () => {
      await browser.close();
      await system.stop();
      await rm(folder, { recursive: true, force: true });
    });
  }

  get system(): Started {
    return this.#system;
  }

  async visitor(look: Look = {}): Promise<Visitor> {
    const { language = 'ko', size = 'desktop', scheme = 'light' } = look;
    const isPhone = size === 'phone';
    const context = await this.#browser.newContext({
      baseURL: this.url,
      locale: language === 'ko' ? 'ko-KR' : 'en-GB',
      colorScheme: scheme,
      reducedMotion: 'reduce',
      viewport: isPhone ? { width: 390, height: 844 } : { width: 1280, height: 860 },
      hasTouch: isPhone,
      isMobile: isPhone,
    });
    // Longer than the app's own patience: it asks again for seven seconds and waits for an effect for ten.
    context.setDefaultTimeout(30_000);
    return new Visitor(context, await context.newPage(), messages[language]);
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** Refusals are part of the story, also that of a moment too busy; the browser writes each of them to its console. */
const isExpected = (text: string): boolean =>
  /Failed to load resource: (the server responded with a status of (4\d\d|503)|net::ERR_INTERNET_DISCONNECTED|net::ERR_FAILED)/.test(
    text,
  );

let people = 0;
const password = 'a long password';

/** A fan at a browser. */
export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly t: Messages;
  /** What the console said that no story explains. */
  readonly complaints: string[] = [];

  constructor(context: BrowserContext, page: Page, t: Messages) {
    this.context = context;
    this.page = page;
    this.t = t;
    page.on('console', (message) => {
      const text = message.text();
      if (['error', 'warning'].includes(message.type()) && !isExpected(text)) this.complaints.push(text);
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
  }

  button(name: string | RegExp) {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  link(name: string | RegExp) {
    return this.page.getByRole('link', { name, exact: typeof name === 'string' });
  }

  heading(name: string) {
    return this.page.getByRole('heading', { name, exact: true, level: 1 });
  }

  text(text: string | RegExp) {
    return this.page.getByText(text, { exact: typeof text === 'string' }).first();
  }

  readonly #email = `fan-${process.pid}-${++people}@example.org`;

  /** Fills in the sign-in where it is shown. */
  async signIn(): Promise<void> {
    const { account } = this.t;
    await this.page.getByLabel(account.email, { exact: true }).fill(this.#email);
    const secret = this.page.getByLabel(account.password, { exact: true });
    await secret.fill(password);
    await secret.press('Enter');
  }

  /** Fills in the sign-up where it is shown. */
  async signUp(name = 'Mina Kim'): Promise<void> {
    const { account } = this.t;
    await this.page.getByRole('radio', { name: account.signUp, exact: true }).check();
    await this.page.getByLabel(account.name, { exact: true }).fill(name);
    await this.page.getByLabel(account.email, { exact: true }).fill(this.#email);
    await this.page.getByLabel(account.password, { exact: true }).fill(password);
    await this.button(account.submitUp).click();
  }

  /** Signed in before the story begins, as on the day before. */
  async hasSignedIn(points = 0): Promise<void> {
    await this.page.goto('/tickets');
    await this.page.evaluate(
      async ([name, email, secret, amount]) => {
        const post = async (path: string, body: object): Promise<unknown> => {
          const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
          const answer = await fetch(`/api/v1${path}`, {
            method: 'POST',
            headers,
            body: JSON.stringify(body),
          });
          return answer.json();
        };
        await post('/users', { name, email, password: secret });
        const session = await post('/sessions', { email, password: secret, cookie: true });
        if (amount > 0) await post('/points/charges', { amount });
        localStorage.setItem('tutti.fan', JSON.stringify(session));
      },
      ['Mina Kim', this.#email, password, points] as const,
    );
  }

  /** Chooses seats by their names in the list: section (as the venue file has it), row, seat. */
  async chooseInList(section: string, row: string, ...numbers: readonly number[]): Promise<void> {
    await this.page.getByRole('radio', { name: this.t.seatScreen.list, exact: true }).check();
    await this.openIfClosed(new RegExp(`^${this.t.section(section)}`));
    await this.openIfClosed(new RegExp(`^(${row}열|Row ${row} )`));
    for (const number of numbers) await this.seatInList(section, row, number).click();
  }

  seatInList(section: string, row: string, number: number) {
    return this.button(
      new RegExp(`${this.t.section(section)}.*(${row}열|Row ${row}\\b).*(${number}번|Seat ${number}),`),
    );
  }

  private async openIfClosed(name: RegExp): Promise<void> {
    const button = this.button(name).first();
    if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
  }

  /** No violation of what axe knows of WCAG 2.2 AA, as the screen is now. */
  async barriers(): Promise<string[]> {
    return barriersOf(this.page);
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
