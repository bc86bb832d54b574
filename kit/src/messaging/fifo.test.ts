import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fifo } from './fifo.ts';

test('what goes in first comes out first, however it grows and shrinks', () => {
  const moves = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant('push') }, fc.constant('shift')), {
    maxLength: 300,
    size: 'max',
  });
  fc.assert(
    fc.property(moves, (chosen) => {
      const [fifo, model]: [Fifo<number>, number[]] = [new Fifo(), []];
      for (const [at, move] of chosen.entries()) {
        if (move === 'push') {
          fifo.push(at);
          model.push(at);
        } else {
          expect(fifo.shift()).toBe(model.shift());
        }
        expect(fifo.peek()).toBe(model[0]);
        expect(fifo.length).toBe(model.length);
      }
      expect([...fifo]).toEqual(model);
      while (model.length > 0) expect(fifo.shift()).toBe(model.shift());
      expect(fifo.shift()).toBeUndefined();
    }),
  );
});
