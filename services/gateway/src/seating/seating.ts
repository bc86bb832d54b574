import type { ConcertQueries } from '@tutti/contracts';
import type { Log } from '@tutti/kit/service';
import type { ServiceTelemetry } from '@tutti/kit/telemetry';
import { SeatMemory } from './availability.ts';
import { SeatStreams } from './streams.ts';

/** What this gateway knows of seats, and whom it tells. */
export class Seating {
  readonly memory: SeatMemory;
  readonly streams: SeatStreams;

  constructor(concerts: ConcertQueries, log: Log, telemetry: ServiceTelemetry | undefined) {
    this.memory = new SeatMemory(concerts);
    this.streams = new SeatStreams({ memory: this.memory, log });
    const { counts } = this.streams;
    telemetry?.meters.gauge(
      { name: 'tutti_seat_listeners', help: 'Connections that are told of every change of a seat.' },
      () => [[counts.listening]],
    );
    telemetry?.meters.total(
      {
        name: 'tutti_seat_listeners_turned_away_total',
        help: 'Listeners that found no room, or read slower than things happened.',
        labels: ['why'],
      },
      () => [
        [counts.refused, 'full'],
        [counts.dropped, 'slow'],
      ],
    );
  }

  stop(): void {
    this.streams.stop();
  }
}
