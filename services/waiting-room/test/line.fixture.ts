import type { Admitted, AdmissionRefusal, Place, Sale } from '@tutti/contracts';
import { Lease } from '@tutti/kit/lock';
import { createLog } from '@tutti/kit/service';
import { testDatabase, until, type TestDatabase } from '@tutti/kit/testing';
import { randomUUID } from 'node:crypto';
import { startWaitingRoom, waitingRoomMigrations, type WaitingRoomService } from '../src/main.ts';
import { Mover } from '../src/mover.ts';
import { Sales } from '../src/sales.ts';
import { LineStore } from '../src/store.ts';
import { LineTokens } from '../src/tokens.ts';
import { BoxOffice } from './box-office.fixture.ts';

export const key = Buffer.alloc(32, 9);
const log = createLog('silent');

/** A waiting room of any number of processes on one database, beside a box office that a test plays. */
export class Room {
  readonly place: TestDatabase;
  readonly office = new BoxOffice();
  readonly services: WaitingRoomService[] = [];

  private constructor(place: TestDatabase) {
    this.place = place;
  }

  static async open(processes: number, admissionSeconds = 600): Promise<Room> {
    const room = new Room(await testDatabase(waitingRoomMigrations));
    for (let count = 0; count < processes; count++) await room.start(admissionSeconds);
    return room;
  }

  async start(admissionSeconds = 600): Promise<WaitingRoomService> {
    const service = await startWaitingRoom({
      connection: this.place.connection,
      sales: this.office,
      log,
      admissionTokenKey: key,
      admissionSeconds,
    });
    this.services.push(service);
    return service;
  }

  async close(): Promise<void> {
    for (const service of this.services) await service.stop();
    await this.place.drop();
  }

  /** A sale that every process knows, and that is open unless it opens later. */
  async sale(terms: Partial<Sale> = {}): Promise<string> {
    const concertId = `sale-${randomUUID()}`;
    this.office.add({ concertId, ...terms });
    for (const { queries } of this.services)
      await until('the sale is known', async () => {
        const document = await queries.queue(concertId);
        return document !== null && (terms.opensAt !== undefined || document.includes('"seed"'));
      });
    return concertId;
  }

  /** The sales as one more process knows them, by a clock of its own. */
  sales(now?: () => number): Sales {
    return new Sales(new LineStore(this.place.database), () => this.office.sales(), now);
  }

  /** The statements of the waiting room, for what no query tells. */
  get store(): LineStore {
    return new LineStore(this.place.database);
  }

  async queue(concertId: string): Promise<Record<string, unknown>> {
    const text = (await this.services[0]?.queries.queue(concertId)) ?? '{}';
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? { ...read } : {};
  }

  async join(concertId: string, fan: string, process = 0): Promise<Place> {
    const joined = await this.services[process]?.queries.join(concertId, fan);
    if (!joined || typeof joined === 'string') throw new Error(`No place: ${joined}.`);
    return joined;
  }

  async ask(concertId: string, fan: string, process = 0): Promise<Admitted | AdmissionRefusal> {
    const { queueToken } = await this.join(concertId, fan, process);
    const answer = await this.services[process]?.queries.admit(concertId, fan, queueToken);
    if (!answer) throw new Error(`There is no process ${process}.`);
    return answer;
  }

  async saleRow(concertId: string): Promise<{ id: number; serving: number; joined: number }> {
    const [row] = await this.place.database.query<{ id: number; serving: number; joined: number }>(
      'select id, serving, joined from sale where concert_id = $1',
      [concertId],
    );
    if (!row) throw new Error(`There is no sale ${concertId}.`);
    return row;
  }

  /** Who stands at the door asks again and again: as if each had just now. */
  async stillAtDoor(concertId: string): Promise<void> {
    await this.place.database.query(
      'update knock set at = clock_timestamp() where sale = (select id from sale where concert_id = $1)',
      [concertId],
    );
  }

  async inside(concertId: string): Promise<number> {
    const [row] = await this.place.database.query<{ taken: number }>(
      `select count(t.fan)::int as taken from slot t join sale s on s.id = t.sale where s.concert_id = $1`,
      [concertId],
    );
    return row?.taken ?? -1;
  }

  /** An owner of the lines that acts only when a test says so. */
  owner(name: string): { lease: Lease; look(fence: number): Promise<void>; stop(): Promise<void> } {
    const { database } = this.place;
    const store = new LineStore(database);
    const lease = new Lease({ database, name: 'move-lines', owner: name, seconds: 60 });
    const mover = new Mover({
      store,
      lease,
      log,
      sales: this.sales(),
      catalogue: this.office,
      tokens: new LineTokens(key),
      everyMs: 3_600_000,
    });
    return { lease, look: (fence) => mover.look(fence), stop: () => mover.stop() };
  }
}

export const isIn = (answer: Admitted | AdmissionRefusal): boolean => 'admissionToken' in answer;
export const fans = (count: number): string[] => Array.from({ length: count }, () => randomUUID());
