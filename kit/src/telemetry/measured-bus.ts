import type { Bus, Consumer, ConsumeOptions, DeadLetter, Handler, Queue } from '../messaging/index.ts';
import type { Meters, Reading } from './meters.ts';

/** What a bus over a broker knows of a queue. */
export type QueueFigures = {
  readonly queue: string;
  /** Frames on the broker that are not done, as far as was last heard. */
  readonly depth: number;
  /** Messages that this process set aside, since it began. */
  readonly deadLetters: number;
};

/** A bus that can tell how full its queues are. */
export type MeasurableBus = Bus & {
  depths?(): ReadonlyMap<string, number>;
  stats?(): Iterable<QueueFigures>;
};

const uuidPart = /[._-][0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** A queue's name as a label: queues of single processes, which have an id in their names, are one. */
export const queueLabel = (name: string): string => name.replaceAll(uuidPart, '');

const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];
const labels = ['queue'];

/** The same bus; what is taken from it is counted once per batch, and what waits on it when the page is read. */
export class MeasuredBus implements Bus {
  readonly #bus: MeasurableBus;
  readonly #meters: Meters;

  constructor(bus: MeasurableBus, meters: Meters) {
    this.#bus = bus;
    this.#meters = meters;
    const depth = 'Messages of a queue that are not done; on a broker frames, of up to 512 messages.';
    meters.gauge({ name: 'tutti_queue_messages', help: depth, labels }, () => this.#depths());
    this.#showDeadLetters();
  }

  publish<T>(to: Queue<T>, messages: readonly T[]): Promise<void> {
    return this.#bus.publish(to, messages);
  }

  consume<T>(from: Queue<T>, handler: Handler<T>, options?: ConsumeOptions): Consumer {
    return this.#bus.consume(from, this.#measured(queueLabel(from.name), handler), options);
  }

  deadLetters(): Promise<readonly DeadLetter[]> {
    return this.#bus.deadLetters();
  }

  replayDeadLetters(queueName: string): Promise<number> {
    return this.#bus.replayDeadLetters(queueName);
  }

  close(): Promise<void> {
    return this.#bus.close();
  }

  #measured<T>(queue: string, handler: Handler<T>): Handler<T> {
    const batches = this.#meters.distribution(
      { name: 'tutti_batch_messages', help: 'Messages per batch that was handled.', labels },
      sizes,
    );
    const durations = this.#meters.distribution(
      { name: 'tutti_batch_duration_seconds', help: 'Time a handler took for a batch.', labels },
      seconds,
    );
    const again = { name: 'tutti_redelivered_messages_total', help: 'Messages that came once more.', labels };
    const failed = { name: 'tutti_batches_failed_total', help: 'Batches whose handler threw.', labels };
    const [size, duration] = [batches.of(queue), durations.of(queue)];
    const [redelivered, failures] = [
      this.#meters.counter(again).of(queue),
      this.#meters.counter(failed).of(queue),
    ];
    return async (batch) => {
      const begun = performance.now();
      size.observe(batch.length);
      for (const { deliveries } of batch) if (deliveries > 1) redelivered.value++;
      try {
        return await handler(batch);
      } catch (error) {
        failures.value++;
        throw error;
      } finally {
        duration.observe((performance.now() - begun) / 1_000);
      }
    };
  }

  /** What a broker holds it would have to be asked for one by one, by every process: of that only the number is told. */
  #showDeadLetters(): void {
    const [kept, total] = [
      { name: 'tutti_dead_letters', help: 'Messages that were set aside, for an operator.', labels },
      { name: 'tutti_dead_letters_total', help: 'Messages set aside since the process began.', labels },
    ];
    if (this.#bus.stats) this.#meters.total(total, () => this.#figures(({ deadLetters }) => deadLetters));
    else
      this.#meters.gauge(kept, async () =>
        summed((await this.#bus.deadLetters()).map(({ queue }) => [queue, 1] as const)),
      );
  }

  #depths(): Reading[] {
    if (this.#bus.stats) return this.#figures(({ depth }) => depth);
    return summed(this.#bus.depths?.() ?? []);
  }

  #figures(figure: (figures: QueueFigures) => number): Reading[] {
    const figures = [...(this.#bus.stats?.() ?? [])];
    return summed(figures.map((one) => [one.queue, figure(one)] as const));
  }
}

function summed(numbers: Iterable<readonly [queue: string, number: number]>): Reading[] {
  const sums = new Map<string, number>();
  for (const [queue, number] of numbers) {
    const label = queueLabel(queue);
    sums.set(label, (sums.get(label) ?? 0) + number);
  }
  return [...sums].map(([queue, sum]) => [sum, queue]);
}
