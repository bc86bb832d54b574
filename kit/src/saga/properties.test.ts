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

const happenings = fc.array(happening, { maxLength: 60, size: 'max' });
const refusing = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)), {
  maxLength: 7,
});

function play(shape: string, refused: readonly boolean[], happened: readonly Happening[]): Model {
  const model = new Model(sagaOfShape(shape, 10_000), refused);
  for (const one of happened) model.happen(one);
  model.heal();
  return model;
}

describe('Whatever is lost, doubled, delayed, reordered or crashes', () => {
  test.each(shapes)('a saga of the shape %s ends with all steps done or all undone, once each', (shape) => {
    fc.assert(
      fc.property(refusing, happenings, (refused, happened) => {
        expect(play(shape, refused, happened).wrong).toEqual([]);
      }),
      { numRuns: 10_000 },
    );
  });

  test('the runs are of every kind: else the property above would say little', () => {
    const samples = fc.sample(fc.tuple(refusing, happenings), { numRuns: 3_000, seed: 1 });
    const kinds = new Set(samples.map(([refused, happened]) => play('rbbPa', refused, happened).kind()));
    const wanted = ['one driver', 'several drivers'].flatMap((drivers) =>
      ['succeeded with 0', 'failed with 0', 'failed with 1', 'failed with 2'].map(
        (end) => `${end} undone by ${drivers}`,
      ),
    );
    expect([...kinds].toSorted()).toEqual(wanted.toSorted());
  });
});
