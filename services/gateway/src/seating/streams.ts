import type { Log } from '@tutti/kit/service';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refused } from '../problems.ts';
import type { SeatMemory, SeatNews, SeatState } from './availability.ts';
import { networkOf } from './networks.ts';

export type StreamLimits = {
  readonly listenersMax: number;
  /** Of them from one network (see networks.ts): a school may be there, but nobody takes all the room. */
  readonly perNetworkMax: number;
  /** What a listener may leave unread. */
  readonly unreadBytesMax: number;
};

export const streamLimits: StreamLimits = {
  listenersMax: 10_000,
  perNetworkMax: 2_000,
  unreadBytesMax: 262_144,
};

/** What a listener knows already; the version of the map where it says so. */
export type Known = { readonly sequence: number; readonly version: number | null };

export type Place = { readonly network: string | null };
type Listener = Place & { readonly response: ServerResponse };
type Channel = { state: SeatState; readonly listeners: Set<Listener> };

type Options = { memory: SeatMemory; log: Log; limits?: StreamLimits; pollMs?: number };

const pollMsDefault = 400;
const heartbeatMs = 15_000;
const errorPauseMs = 2_000;
const lastWordMs = 2_000;
const comment = ':\n\n';
const heartbeat = Buffer.from(comment);

/**
 * Tells listeners what happens to the seats of a performance, as server-sent events. However many listen, there is one poll
 * for all performances that are listened to, and one buffer for all listeners of an event.
 */
export class SeatStreams {
  readonly #memory: SeatMemory;
  readonly #log: Log;
  readonly #limits: StreamLimits;
  readonly #pollMs: number;
  readonly #channels = new Map<string, Channel>();
  readonly #perNetwork = new Map<string | null, number>();
  #polling: NodeJS.Timeout | undefined;
  #beating: NodeJS.Timeout | undefined;
  #isPolling = false;
  #pausedUntil = 0;
  #stopped = false;
  readonly counts = { listening: 0, refused: 0, dropped: 0 };

  constructor({ memory, log, limits = streamLimits, pollMs = pollMsDefault }: Options) {
    this.#memory = memory;
    this.#log = log;
    this.#limits = limits;
    this.#pollMs = pollMs;
    memory.onNews = (news, before, state) => this.#tell(news, before, state);
  }

  /** A place for one more, which `open` has to be called with at once. Throws `overloaded` where there is none. */
  take(request: IncomingMessage): Place {
    const network = networkOf(request);
    const here = this.#perNetwork.get(network) ?? 0;
    const { listenersMax, perNetworkMax } = this.#limits;
    const isFull = this.counts.listening >= listenersMax || (network !== null && here >= perNetworkMax);
    if (this.#stopped || isFull) {
      this.counts.refused++;
      throw new Refused('overloaded', {}, { 'retry-after': String(5 + Math.floor(Math.random() * 11)) });
    }
    return { network };
  }

  /** Goes on with a response whose head was written. */
  open({ network }: Place, response: ServerResponse, state: SeatState, known: Known | null): void {
    // Who went away while we looked is not told that it is gone a second time.
    if (response.destroyed) return;
    const listener = { response, network };
    this.#enter(listener);
    const channel = this.#channelOf(state);
    channel.listeners.add(listener);
    response.once('close', () => this.#leave(state.performanceId, listener));
    response.on('error', () => response.destroy());
    // Those who are cut off together shall not come back together.
    const retryMs = 1_000 + Math.floor(Math.random() * 4_000);
    response.write(`retry: ${retryMs}\nid: ${channel.state.sequence}\n\n`);
    for (const frame of this.#missed(channel.state, known)) response.write(frame);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#polling);
    clearInterval(this.#beating);
    for (const { listeners } of this.#channels.values())
      for (const { response } of listeners) endSoon(response);
  }

  #enter({ network }: Listener): void {
    this.#perNetwork.set(network, (this.#perNetwork.get(network) ?? 0) + 1);
    if (++this.counts.listening > 1) return;
    this.#polling = setInterval(() => void this.#poll(), this.#pollMs);
    this.#beating = setInterval(() => this.#sendToAll(heartbeat), heartbeatMs);
  }

  #leave(performanceId: string, listener: Listener): void {
    const channel = this.#channels.get(performanceId);
    channel?.listeners.delete(listener);
    if (channel?.listeners.size === 0) this.#channels.delete(performanceId);
    const left = (this.#perNetwork.get(listener.network) ?? 1) - 1;
    if (left > 0) this.#perNetwork.set(listener.network, left);
    else this.#perNetwork.delete(listener.network);
    if (--this.counts.listening > 0) return;
    clearInterval(this.#polling);
    clearInterval(this.#beating);
  }

  #channelOf(state: SeatState): Channel {
    const { performanceId } = state;
    const known = this.#channels.get(performanceId);
    if (known) return known;
    const channel = { state: this.#memory.known(performanceId) ?? state, listeners: new Set<Listener>() };
    this.#channels.set(performanceId, channel);
    return channel;
  }

  /** What a listener has to hear first. */
  #missed(state: SeatState, known: Known | null): Buffer[] {
    if (!known) return [];
    const isSameMap = known.version === null || known.version === state.version;
    const news = isSameMap ? this.#memory.newsSince(state.performanceId, known.sequence) : null;
    return news?.map(frameOf) ?? [resetOf(state)];
  }

  async #poll(): Promise<void> {
    if (this.#isPolling || performance.now() < this.#pausedUntil) return;
    this.#isPolling = true;
    try {
      const ids = [...this.#channels.keys()];
      const states = await Promise.all(ids.map((id) => this.#memory.at(id)));
      // What the memory has forgotten meanwhile brought no news.
      for (const state of states) if (state) this.#catchUp(state);
    } catch (error) {
      this.#pausedUntil = performance.now() + errorPauseMs * (0.5 + Math.random() / 2);
      this.#log.warn({ error }, 'the seats that are left could not be read; listeners wait');
    } finally {
      this.#isPolling = false;
    }
  }

  #catchUp(state: SeatState): void {
    const channel = this.#channels.get(state.performanceId);
    if (!channel || channel.state === state) return;
    channel.state = state;
    this.#sendTo(channel, resetOf(state));
  }

  #tell(news: SeatNews, before: SeatState, state: SeatState): void {
    const channel = this.#channels.get(state.performanceId);
    if (!channel) return;
    const follows = channel.state === before && news.changes !== null;
    channel.state = state;
    this.#sendTo(channel, follows ? frameOf(news) : resetOf(state));
  }

  #sendToAll(frame: Buffer): void {
    for (const channel of this.#channels.values()) this.#sendTo(channel, frame);
  }

  #sendTo({ listeners, state }: Channel, frame: Buffer): void {
    for (const listener of listeners) {
      const { response } = listener;
      if (response.writableLength <= this.#limits.unreadBytesMax) response.write(frame);
      else {
        // It reads slower than things happen. When it comes back it is told how things are then.
        listeners.delete(listener);
        this.counts.dropped++;
        endSoon(response, resetOf(state));
      }
    }
  }
}

/** Ends in order if the other side reads on. */
function endSoon(response: ServerResponse, lastWord?: Buffer): void {
  if (lastWord) response.end(lastWord);
  else response.end();
  const timer = setTimeout(() => response.destroy(), lastWordMs);
  response.once('close', () => clearTimeout(timer));
}

const frames = new WeakMap<SeatNews | SeatState, Buffer>();

/** Made once, for all who are told it. */
function made(of: SeatNews | SeatState, make: () => string): Buffer {
  const known = frames.get(of);
  if (known) return known;
  const frame = Buffer.from(make());
  frames.set(of, frame);
  return frame;
}

const frameOf = (news: SeatNews): Buffer =>
  made(news, () => {
    const { sequence, version, changes } = news;
    return `id: ${sequence}\ndata: ${JSON.stringify({ version, changes })}\n\n`;
  });

/** All of it at once, for who is too far behind: nothing has to be asked for, so that no answer can overtake another. */
const resetOf = (state: SeatState): Buffer =>
  made(state, () => {
    const { version, sequence, seats } = state;
    const data = JSON.stringify({ version, sequence, seats: seats.toString('base64') });
    return `event: reset\nid: ${sequence}\ndata: ${data}\n\n`;
  });
