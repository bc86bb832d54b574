import { play } from './play.ts';
const from = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 1);
const t = performance.now();
const all = new Map<string, number>();
let bad = 0,
  v = 0,
  h = 0;
for (let seed = from; seed < from + n; seed++) {
  const p = await play(seed);
  v += p.virtualMs;
  h += p.happened;
  for (const [k, c] of p.counts) all.set(k, (all.get(k) ?? 0) + c);
  if (p.wrong.length) {
    bad++;
    console.log(seed, p.wrong.slice(0, 4));
  }
  if (n === 1) console.log(p.lines.join('\n'), p.hash);
}
const ms = performance.now() - t;
console.log(
  [...all]
    .toSorted()
    .map(([k, c]) => `${c}\t${k}`)
    .join('\n'),
);
console.log({ bad, perMinute: (n / ms) * 60000, virtualPerSeed: v / n / 1000, happenedPerSeed: h / n });
