import { useMemo, type ReactNode } from 'react';

/** A poster is drawn from the concert's id: always the same, never missing. */
type PosterProps = {
  readonly concertId: string;
  readonly className?: string;
  readonly children?: ReactNode;
};

const inksCount = 8;

export function Poster({ concertId, className = '', children }: PosterProps) {
  const { inks, art } = useMemo(() => posterOf(concertId), [concertId]);
  return (
    <div className={`poster inks-${inks} ${className}`}>
      <svg
        className="poster-art"
        viewBox="0 0 300 300"
        preserveAspectRatio="xMidYMid slice"
        aria-hidden="true"
      >
        {art}
      </svg>
      {children}
    </div>
  );
}

/** The inks alone, for a strip of a ticket. */
export const inksOf = (concertId: string): string => `inks-${seedOf(concertId) % inksCount}`;

function posterOf(concertId: string): { inks: number; art: ReactNode } {
  const seed = seedOf(concertId);
  const draw = motifs[Math.floor(seed / inksCount) % motifs.length] ?? rings;
  return { inks: seed % inksCount, art: draw(chanceFrom(seed)) };
}

/** FNV-1a from another start, stirred at the end: ids that differ in a letter get posters that differ in everything. */
function seedOf(text: string): number {
  let hash = 0x811c9c40;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

type Chance = (low: number, high: number) => number;

/** mulberry32 */
function chanceFrom(seed: number): Chance {
  let state = seed;
  return (low, high) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return low + (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (high - low);
  };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const round = (n: number): number => Math.round(n * 10) / 10;
const ink = (chance: Chance): string => (chance(0, 1) < 0.3 ? 'ink-second' : 'ink-first');

/** Arcs around one point, each twice as thick as the one inside it: the sound of a hall. */
function rings(chance: Chance): ReactNode {
  const [x, y] = [chance(95, 205), chance(105, 195)];
  return upTo(7).map((ring) => {
    const radius = 15 + 15 * ring + 2.6 * ring * ring;
    const width = 5 + ring * 3.4;
    const length = 2 * Math.PI * radius;
    const shown = length * chance(0.34, 0.8);
    return (
      <circle
        key={ring}
        className={`line-art ${ring === 3 ? 'stroke-second' : 'stroke-first'}`}
        cx={round(x)}
        cy={round(y)}
        r={round(radius)}
        strokeWidth={round(width)}
        strokeDasharray={`${round(shown)} ${round(length)}`}
        transform={`rotate(${round(chance(0, 360))} ${round(x)} ${round(y)})`}
      />
    );
  });
}

/** Bars of a rhythm. */
function bars(chance: Chance): ReactNode {
  const count = 13;
  const phase = chance(0, 6);
  return upTo(count).map((bar) => {
    const height = 60 + 190 * Math.abs(Math.sin(phase + bar * 0.55)) * chance(0.6, 1);
    return (
      <rect
        key={bar}
        className={bar % 5 === 2 ? 'ink-second' : 'ink-first'}
        x={round(8 + (bar * 284) / count)}
        y={round(290 - height)}
        width={round((284 / count) * (bar % 3 === 0 ? 0.82 : 0.45))}
        height={round(height)}
      />
    );
  });
}

/** Strings that swing, and a few notes on them. */
function strings(chance: Chance): ReactNode {
  const bend = chance(-90, 90);
  const lines = upTo(11).map((line) => {
    const y = 40 + line * 21;
    return (
      <path
        key={line}
        className={`line-art ${line % 5 === 4 ? 'stroke-second' : 'stroke-first'}`}
        strokeWidth={round(1.5 + line * 0.75)}
        d={`M-10 ${y} C90 ${round(y + bend)} 200 ${round(y - bend * (1.2 - line / 14))} 310 ${round(y + bend / 3)}`}
      />
    );
  });
  const notes = upTo(4).map((note) => (
    <circle
      key={`note ${note}`}
      className={note === 1 ? 'ink-first' : 'ink-second'}
      cx={round(45 + note * 68 + chance(-16, 16))}
      cy={round(chance(60, 240))}
      r={round(chance(10, 21))}
    />
  ));
  return [lines, notes];
}

/** Seats of a hall, as seen from the stage: some are lit. */
function discs(chance: Chance): ReactNode {
  const [x, y] = [chance(60, 240), chance(60, 240)];
  return upTo(100).map((disc) => {
    const [column, row] = [disc % 10, Math.floor(disc / 10)];
    const [cx, cy] = [15 + column * 30, 15 + row * 30];
    const near = Math.max(0, 1 - Math.hypot(cx - x, cy - y) / 190);
    return <circle key={disc} className={ink(chance)} cx={cx} cy={cy} r={round(2.5 + 12.5 * near)} />;
  });
}

/** A light over water. */
function horizon(chance: Chance): ReactNode {
  const x = chance(100, 200);
  const waves = upTo(9).map((wave) => {
    const width = 250 - wave * 19 + chance(-20, 20);
    return (
      <rect
        key={wave}
        className={wave % 3 === 1 ? 'ink-second' : 'ink-first'}
        x={round(x - width / 2 + chance(-22, 22))}
        y={172 + wave * 13}
        width={round(width)}
        height={round(8.5 - wave * 0.6)}
      />
    );
  });
  return [
    <path key="light" className="ink-second" d={`M${round(x - 92)} 160 a92 92 0 0 1 184 0 z`} />,
    ...waves,
  ];
}

/** Planks and quarter notes, turned together. */
function blocks(chance: Chance): ReactNode {
  const turn = chance(-38, -18);
  const planks = upTo(8).map((plank) => {
    const length = chance(90, 260);
    return (
      <rect
        key={plank}
        className={plank % 3 === 1 ? 'ink-second' : 'ink-first'}
        x={round(chance(-40, 330 - length))}
        y={-20 + plank * 44}
        width={round(length)}
        height={round(chance(12, 34))}
      />
    );
  });
  return (
    <g transform={`rotate(${round(turn)} 150 150)`}>
      {planks}
      <circle className="ink-second" cx={round(chance(80, 220))} cy={round(chance(80, 220))} r="34" />
    </g>
  );
}

const motifs = [rings, bars, strings, discs, horizon, blocks];
