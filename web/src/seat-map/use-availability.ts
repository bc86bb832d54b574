import { useEffect, useState } from 'react';
import { readAll, readMessage, type Known } from './availability-change.ts';
import { AvailabilityFeed, type Stream, type StreamEvents } from './availability-feed.ts';
import { unpackStates } from './seat-state.ts';
import { streamQuery } from './stream-query.ts';
import type { Availability } from './types.ts';

/** What is known of a performance's seats, kept fresh while the page is seen. `undefined` until the first answer. */
export function useAvailability(performanceId: string): Availability | undefined {
  const [told, setTold] = useState<{ performanceId: string; availability: Availability }>();
  useEffect(() => {
    const url = `/api/v1/performances/${encodeURIComponent(performanceId)}/availability`;
    const feed = new AvailabilityFeed({
      fetchAll: (signal) => fetchStates(url, signal),
      openStream: (known, events) => openStream(`${url}/stream?${streamQuery(known)}`, events),
      later: (act, milliseconds) => {
        const timer = setTimeout(act, milliseconds);
        return () => clearTimeout(timer);
      },
      random: Math.random,
      publish: (availability) => setTold({ performanceId, availability }),
    });
    // A page that nobody sees costs the system nothing; back again, it asks for everything at once.
    const follow = (): void => (document.hidden ? feed.stop() : feed.start());
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      feed.stop();
    };
  }, [performanceId]);
  return told?.performanceId === performanceId ? told.availability : undefined;
}

/** The browser's cache keeps the bytes and their ETag: an answer that is the same costs a 304. */
async function fetchStates(url: string, signal: AbortSignal): Promise<Known> {
  const answer = await fetch(url, { signal, cache: 'no-cache', credentials: 'omit' });
  const version = numberIn(answer.headers.get('seat-map-version'));
  const sequence = numberIn(answer.headers.get('sequence'));
  if (!answer.ok || version === undefined || sequence === undefined) {
    throw new Error(`No availability: ${answer.status}`);
  }
  return { version, sequence, states: unpackStates(new Uint8Array(await answer.arrayBuffer())) };
}

const numberIn = (header: string | null): number | undefined =>
  header !== null && /^\d+$/.test(header) ? Number(header) : undefined;

function openStream(url: string, events: StreamEvents): Stream {
  const source = new EventSource(url);
  source.addEventListener('open', () => events.opened());
  source.addEventListener('message', ({ lastEventId, data }: MessageEvent<string>) => {
    const message = readMessage(lastEventId, data);
    // What cannot be read may have been a change.
    if (message) events.told(message);
    else events.reset(undefined);
  });
  source.addEventListener('reset', ({ data }: MessageEvent<string>) => events.reset(readAll(data)));
  // The browser would try again by itself, at once and all browsers together.
  source.addEventListener('error', () => events.broken());
  return source;
}
