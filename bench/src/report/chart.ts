import { Summary } from './summary.ts';
import type { Figures, Flow } from './results.ts';
import { digits } from './markdown.ts';

// Each panel has the names of its lines at its right.
const panel = { width: 370, height: 300, left: 56, top: 46, labels: 160, gap: 46 };
const width = panel.left + 2 * (panel.width + panel.labels) + panel.gap;
const height = panel.top + panel.height + 46;

// Told apart without colour too: each has a dash and a label of its own at its end.
const styles: Readonly<Record<string, { colour: string; dash: string; width: number }>> = {
  ours: { colour: '#0b6e4f', dash: '', width: 3.5 },
  limit: { colour: '#555555', dash: '2 3', width: 2 },
  monolith: { colour: '#b4540a', dash: '', width: 2 },
  'three-databases': { colour: '#c79a00', dash: '7 3', width: 2 },
  restate: { colour: '#7a5ccc', dash: '7 3', width: 2 },
  'restate-tuned': { colour: '#4a2fa8', dash: '', width: 2 },
  dbos: { colour: '#b3123f', dash: '', width: 2 },
};
const otherStyle = { colour: '#222222', dash: '', width: 2 };

/** The rates of both flows by clients, both axes logarithmic; bars from the lowest to the highest round. */
export function figuresChart(figures: Figures): string {
  const summary = new Summary(figures);
  const systems = figures.systems.filter(({ name }) => summary.has(name));
  const rates = systems.flatMap(({ name }) =>
    summary.flows.flatMap((flow) =>
      figures.clients.flatMap((clients) => summary.spread(name, flow, clients, 'rate') ?? []),
    ),
  );
  const least = Math.max(1, Math.min(...rates.map((rate) => rate.least)));
  const scale: Scale = {
    from: 10 ** Math.floor(Math.log10(least)),
    to: 10 ** Math.ceil(Math.log10(Math.max(...rates.map((rate) => rate.most), least + 1))),
    clients: figures.clients,
  };
  const panels = summary.flows.map((flow, at) =>
    panelOf(summary, systems, flow, scale, panel.left + at * (panel.width + panel.labels + panel.gap)),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>Flows a second by clients</title>
<desc>${escaped(describe(summary, systems))}</desc>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${panels.join('\n')}
</svg>
`;
}

type Scale = { readonly from: number; readonly to: number; readonly clients: readonly number[] };
type Named = readonly { readonly name: string; readonly title: string }[];

const yOf = ({ from, to }: Scale, rate: number): number =>
  panel.top + panel.height * (1 - Math.log10(Math.max(rate, from) / from) / Math.log10(to / from));

function xOf({ clients }: Scale, count: number, left: number): number {
  const first = Math.log2(clients[0] ?? 1);
  const span = Math.log2(clients.at(-1) ?? 1) - first;
  return left + 18 + (panel.width - 36) * (span === 0 ? 0.5 : (Math.log2(count) - first) / span);
}

function panelOf(summary: Summary, systems: Named, flow: Flow, scale: Scale, left: number): string {
  const bottom = panel.top + panel.height;
  const parts = [
    `<text x="${left}" y="${panel.top - 18}" font-size="15" font-weight="600">${flow}: flows a second</text>`,
  ];
  for (let rate = scale.from; rate <= scale.to; rate *= 10) {
    const y = round(yOf(scale, rate));
    parts.push(`<line x1="${left}" x2="${left + panel.width}" y1="${y}" y2="${y}" stroke="#dddddd"/>`);
    parts.push(
      `<text x="${left - 6}" y="${y + 4}" text-anchor="end" fill="#555555">${rate.toLocaleString('en')}</text>`,
    );
  }
  for (const count of scale.clients)
    parts.push(
      `<text x="${round(xOf(scale, count, left))}" y="${bottom + 18}" text-anchor="middle" fill="#555555">${count}</text>`,
    );
  parts.push(
    `<text x="${left + panel.width / 2}" y="${bottom + 36}" text-anchor="middle" fill="#555555">clients</text>`,
  );
  const ends: { name: string; y: number; text: string }[] = [];
  for (const { name } of systems) {
    const points = scale.clients.flatMap((count) => {
      const rate = summary.spread(name, flow, count, 'rate');
      return rate ? [{ x: round(xOf(scale, count, left)), y: round(yOf(scale, rate.median)), rate }] : [];
    });
    const last = points.at(-1);
    if (!last) continue;
    const { colour, dash, width: lineWidth } = styles[name] ?? otherStyle;
    const path = points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`).join('');
    parts.push(
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${lineWidth}" stroke-dasharray="${dash}"/>`,
    );
    for (const { x, y, rate } of points) {
      const [low, high] = [round(yOf(scale, rate.least)), round(yOf(scale, rate.most))];
      parts.push(
        `<line x1="${x}" x2="${x}" y1="${low}" y2="${high}" stroke="${colour}"/><circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`,
      );
    }
    ends.push({ name, y: last.y, text: `${name} ${digits(last.rate.median)}` });
  }
  parts.push(...labels(ends, left + panel.width + 6));
  return parts.join('\n');
}

/** Names at the ends of the lines, moved apart where they would meet. */
function labels(ends: readonly { name: string; y: number; text: string }[], x: number): string[] {
  const apart = 15;
  let before = Number.NEGATIVE_INFINITY;
  return ends
    .toSorted((a, b) => a.y - b.y)
    .map(({ name, y, text }) => {
      before = Math.max(y + 4, before + apart);
      const { colour } = styles[name] ?? otherStyle;
      const weight = name === 'ours' ? '700' : '400';
      return `<text x="${x}" y="${round(before)}" fill="${colour}" font-weight="${weight}">${escaped(text)}</text>`;
    });
}

function describe(summary: Summary, systems: Named): string {
  const most = Math.max(...summary.figures.clients);
  return systems
    .map(({ name, title }) => {
      const rates = summary.flows.map(
        (flow) => `${flow} ${digits(summary.spread(name, flow, most, 'rate')?.median ?? Number.NaN)}`,
      );
      return `${title}: ${rates.join(', ')}`;
    })
    .join('; ')
    .concat(`; at ${most} clients.`);
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
