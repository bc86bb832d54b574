import { WebhookSigner } from '@tutti/partner';
import { Database, repeatingConflicts } from '@tutti/kit/postgres';
import { freePort } from '@tutti/kit/service';
import { until } from '@tutti/kit/testing';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';
import { field } from '../../support/client.ts';
import type { Fault, Scene } from '../fault.ts';
import { rollService } from './restarting.ts';

type Mood = 'takes' | 'answers 500' | 'answers slowly' | 'never answers' | 'resets';

const moods: readonly Mood[] = ['answers 500', 'answers slowly', 'never answers', 'resets'];
const slowMs = 8_000;
/** As receivers of Standard Webhooks are told to: what is older, or not yet, may be a replay. */
const toleranceSeconds = 300;

/**
 * The promoter's own system: checks signatures and times, remembers what it took by its id, and where the built-in receiver
 * would have kept it, for the audit.
 */
class PromoterSystem {
  mood: Mood = 'takes';
  readonly failed = new Set<string>();
  readonly taken = new Map<string, string>();
  readonly wrong: string[] = [];
  readonly port: number;
  readonly #signer: WebhookSigner;
  readonly #database: Database;
  readonly #server: Server;

  constructor(port: number, secret: string, database: Database) {
    this.port = port;
    this.#signer = new WebhookSigner(secret);
    this.#database = database;
    this.#server = createServer((request, response) => {
      this.#receive(request, response).catch(() => response.destroy());
    });
  }

  static async open({ arena }: Scene): Promise<PromoterSystem> {
    const secret = (await readFile(path.join(arena.dataDir, 'secrets/partner-secret'), 'utf8')).trim();
    const database = new Database(arena.connection('partner'), { connectionsMax: 4 });
    const system = new PromoterSystem(await freePort(), secret, database);
    await new Promise<void>((done) => system.#server.listen(system.port, '127.0.0.1', done));
    return system;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    await this.#database.close();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const [id = '', timestamp = '', signature = ''] = ['id', 'timestamp', 'signature'].map((name) =>
      String(request.headers[`webhook-${name}`]),
    );
    if (!this.#signer.isOurs(id, timestamp, signature, body)) this.wrong.push(`${id} is not signed`);
    if (Math.abs(Number(timestamp) - Date.now() / 1_000) > toleranceSeconds)
      this.wrong.push(`${id} says it was sent at ${timestamp}`);
    if (this.mood !== 'takes') this.failed.add(id);
    if (this.mood === 'answers 500') return void response.writeHead(500).end('out of order');
    if (this.mood === 'never answers') return;
    if (this.mood === 'resets') return void request.socket.resetAndDestroy();
    if (this.mood === 'answers slowly') await new Promise((later) => setTimeout(later, slowMs));
    await this.#remember(id, body);
    response.writeHead(204).end();
  }

  async #remember(id: string, body: string): Promise<void> {
    await this.#database.query(
      `insert into stub_receipt (id, body) values ($1, $2)
       on conflict (id) do update set times = stub_receipt.times + 1`,
      [id, body],
    );
    const before = this.taken.get(id);
    if (before !== undefined && before !== body) this.wrong.push(`${id} says something else the second time`);
    this.taken.set(id, body);
  }

  /** Facts of a reservation come under one id for each version; a receiver drops what is older than it knows. */
  twofoldVersions(): string[] {
    const ids = new Map<string, string>();
    return [...this.taken].flatMap(([id, body]) => {
      const event: unknown = JSON.parse(body);
      const version = `${String(field(event, 'reservationId'))} version ${String(field(event, 'version'))}`;
      const other = ids.get(version);
      ids.set(version, id);
      return other === undefined ? [] : [`${version} came as ${other} and as ${id}`];
    });
  }
}

export const partnerFails: Fault = {
  name: 'the promoter’s system fails',
  promise:
    'fans pay as ever; everything paid or cancelled reaches it afterwards, under the id of its first try',
  targets: moods,
  evidence: [
    'the promoter’s system failed a delivery',
    'payments while the promoter’s system failed',
    'failed deliveries that it took afterwards',
  ],
  touches: () => ['partner-1', 'partner-2', 'postgres of partner'],
  seconds: { alone: 30, chaos: 8 },
  isLong: true,
  strike: async (scene, target) => {
    const { arena, crowd, count } = scene;
    const promoter = await PromoterSystem.open(scene);
    await rollService(arena, 'partner', { PARTNER_URL: `http://127.0.0.1:${promoter.port}/hooks` });
    promoter.mood = moods.find((one) => one === target) ?? 'takes';
    const paid = () =>
      crowd.answered.filter(({ kind, reply }) => kind === 'pay' && reply.status === 201).length;
    const before = paid();
    return async () => {
      await until('a delivery fails', () => promoter.failed.size > 0, 30_000);
      count('the promoter’s system failed a delivery', promoter.failed.size);
      count('payments while the promoter’s system failed', paid() - before);
      promoter.mood = 'takes';
      const isTold = async () => {
        // Their next try may be minutes away by now; an operator would say the same.
        const hurry =
          'update delivery set next_attempt_at = now() where attempts > 0 and delivered_at is null';
        await repeatingConflicts(() => arena.query('partner', hurry));
        return [...promoter.failed].every((id) => promoter.taken.has(id));
      };
      await until('what failed is taken', isTold, 90_000);
      count('failed deliveries that it took afterwards', promoter.failed.size);
      await rollService(arena, 'partner', undefined);
      await promoter.close();
      const wrong = [...promoter.wrong, ...promoter.twofoldVersions()];
      if (wrong.length > 0) throw new Error(wrong.slice(0, 5).join('; '));
    };
  },
};
