import '@fontsource-variable/hanken-grotesk/wght.css';
import '../../../src/tokens.css';
import '../../../src/styles/base.css';
import './page.css';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Announcer } from '../../../src/announcer.tsx';
import type { SeatMapLayout } from '../../../src/api/wire.ts';
import { SeatList, SeatMap, useAvailability } from '../../../src/seat-map/index.ts';

// The map and the list alone on a page, against the API as they meet it: what tests and the benchmark look at.

const asked = new URLSearchParams(location.search);
const performanceId = asked.get('performance') ?? '';
const language = asked.get('language') === 'en' ? 'en' : 'ko';
const maxSelected = 6;
document.documentElement.lang = language;

function Page() {
  const [layout, setLayout] = useState<SeatMapLayout>();
  const [selected, setSelected] = useState<readonly string[]>([]);
  const availability = useAvailability(performanceId);
  useEffect(() => {
    void fetch(`/api/v1/performances/${performanceId}/seat-map`)
      .then((answer) => answer.json())
      .then(setLayout);
  }, []);
  if (!layout || !availability) return null;
  const onToggle = (seatId: string): void =>
    setSelected((before) =>
      before.includes(seatId) ? before.filter((one) => one !== seatId) : [...before, seatId],
    );
  const props = { performanceId, layout, availability, selected, onToggle, maxSelected, language } as const;
  return (
    <main className="main">
      <h1 className="hidden">{performanceId}</h1>
      <SeatMap {...props} />
      <output data-freshness={availability.freshness}>{selected.join(' ')}</output>
      <SeatList {...props} />
    </main>
  );
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <Announcer>
      <Page />
    </Announcer>,
  );
}
