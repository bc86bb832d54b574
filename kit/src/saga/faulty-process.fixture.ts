import type { Bus, Consumer, Queue } from '../messaging/index.ts';
import type { Queryable } from '../postgres/index.ts';

const gone = () => new Error('The process is gone.');

/** What one process has of the bus and of the database. Killing it takes both away, whatever its code still tries to do. */
export class FaultyProcess {
  readonly bus: Bus;
  readonly database: Queryable;
  readonly #consumers = new Map<string, Consumer>();
  #isDead = false;

  /** `databaseFault`: 0–1, how often a statement breaks, half of the time after it was committed. */
  constructor(bus: Bus, database: Queryable, databaseFault: () => number, random: () => number) {
    this.bus = this.#busOf(bus);
    this.database = {
      query: async (text, values, name) => {
        if (this.#isDead) throw gone();
        const fault = random() < databaseFault() ? random() : 1;
        if (fault < 0.5) throw new Error('The connection broke before the statement arrived.');
        const rows = await database.query<never>(text, values, name);
        if (fault < 1) throw new Error('The connection broke before the answer arrived.');
        if (this.#isDead) throw gone();
        return rows;
      },
    };
  }

  kill(): void {
    this.#isDead = true;
    for (const name of this.#consumers.keys()) this.takeAway({ name });
  }

  /** Gives a queue back, so that another process may consume it. */
  takeAway({ name }: Queue<unknown>): void {
    // What it is at work on comes again, to whoever consumes the queue then.
    void this.#consumers.get(name)?.stop();
  }

  #busOf(bus: Bus): Bus {
    return {
      publish: (to, messages) => (this.#isDead ? Promise.reject(gone()) : bus.publish(to, messages)),
      consume: (from, handler, options) => {
        const consumer = bus.consume(
          from,
          async (batch) => {
            const verdicts = await handler(batch);
            if (this.#isDead) throw gone();
            return verdicts;
          },
          options,
        );
        this.#consumers.set(from.name, consumer);
        return consumer;
      },
      deadLetters: () => bus.deadLetters(),
      replayDeadLetters: (name) => bus.replayDeadLetters(name),
      close: () => Promise.resolve(),
    };
  }
}
