import { expect, test } from 'vitest';
import { faults } from '../chaos/faults/index.ts';
import { playChaos } from '../chaos/play.ts';

// `npm run chaos -- --minutes 30` plays the same for longer, and the faults that take their time.
const seed = Math.floor(Math.random() * 2 ** 31);

test(
  'two minutes in which everything breaks, three things at a time: nothing that was told is untrue',
  { timeout: 480_000 },
  async () => {
    const lines: string[] = [];
    const verdict = await playChaos(faults, { minutes: 2, seed, say: (line) => lines.push(line) });
    const rate = Math.round(verdict.operations / verdict.seconds);
    process.stdout.write(`Chaos with seed ${seed}: ${verdict.operations} operations, ${rate} a second.\n`);
    expect(verdict.wrong, `seed ${seed}\n${lines.join('\n')}`).toEqual([]);
  },
);
