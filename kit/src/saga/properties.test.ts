import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Model, type Happening } from './model.fixture.ts';
import { sagaOfShape } from './toy-journal.fixture.ts';

// No step before the pivot; one; two; reads between them; none, one and two steps after it.
const shapes = ['P', 'rP', 'rPa', 'bP', 'rbP', 'rbPaa', 'brPa', 'bbP', 'rbbPa', 'rbrbPaa', 'rbrbrPa'];

const pick = fc.nat({ max: 11 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('deliver' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('duplicate' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose' as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      ms: fc.constantFrom(300, 1_500, 4_000, 11_000),
      driver: fc.nat({ max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'usurp' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('changeMind' as const), step: fc.nat({ max: 6 }) }) },
);

describe('Whatever is lost, doubled, delayed, reordered or crashes', () => {
  test.each(shapes)('a saga of the shape %s ends with all steps done or all undone, once each', (shape) => {
    const definition = sagaOfShape(shape, 10_000);
    const refusing = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)), {
      maxLength: shape.length,
    });
    fc.assert(
      fc.property(refusing, fc.array(happening, { maxLength: 60, size: 'max' }), (refused, happenings) => {
        const model = new Model(definition, refused);
        for (const one of happenings) model.happen(one);
        model.heal();
        expect(model.wrong).toEqual([]);
      }),
      { numRuns: 100_000 },
    );
  });
});
