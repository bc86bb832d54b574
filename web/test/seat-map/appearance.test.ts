import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hasLabels, levelAt } from '../../src/seat-map/level-of-detail.ts';
import { paletteFrom, shadeOf, type Colour } from '../../src/seat-map/palette.ts';
import { addShape, lookOf, shapeOf, type Path } from '../../src/seat-map/seat-shape.ts';

const tokens = readFileSync(new URL('../../src/tokens.css', import.meta.url), 'utf8');

function tokenIn(theme: 'light' | 'dark'): (token: string) => Colour {
  return (token) => {
    const found = new RegExp(`${token}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(tokens);
    const hex = found?.[theme === 'light' ? 1 : 2];
    if (hex === undefined) throw new Error(`tokens.css has no ${token}.`);
    const byte = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);
    return [byte(1), byte(3), byte(5)];
  };
}

const channels = (css: string): Colour => {
  const [red = 0, green = 0, blue = 0] = css.match(/\d+/g)?.map(Number) ?? [];
  return [red, green, blue];
};

/** As WCAG 2 defines it. */
function contrast(one: string, other: string): number {
  const luminance = (css: string): number => {
    const [red, green, blue] = channels(css).map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
  };
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

test.each(['light', 'dark'] as const)(
  'in a %s hall seats and texts stand out from what is behind them',
  (theme) => {
    const palette = paletteFrom(tokenIn(theme), 'sans-serif');
    for (const [index, grade] of palette.grades.entries()) {
      expect(contrast(grade, palette.floor), `grade ${index + 1}`).toBeGreaterThanOrEqual(3);
      expect(contrast(grade, palette.onGrade), `the number on grade ${index + 1}`).toBeGreaterThanOrEqual(
        4.5,
      );
      for (const block of palette.blocks[index] ?? []) {
        expect(
          contrast(palette.ink, block),
          `a name on a block of grade ${index + 1}`,
        ).toBeGreaterThanOrEqual(4.5);
      }
    }
    for (const mark of [palette.held, palette.taken, palette.selected, palette.lost]) {
      expect(contrast(mark, palette.floor)).toBeGreaterThanOrEqual(3);
    }
    expect(contrast(palette.onSelected, palette.selected)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.onStage, palette.stage)).toBeGreaterThanOrEqual(4.5);
  },
);

test('every state looks different without colour, and so does every grade', () => {
  expect(new Set([0, 1, 2, 3].map(lookOf)).size).toBe(4);
  const drawn = [0, 1, 2, 3, 4].map((grade) => {
    const steps: string[] = [];
    const step = (name: string) => () => void steps.push(name);
    const path: Path = {
      moveTo: step('move'),
      lineTo: step('line'),
      closePath: step('close'),
      arc: step('arc'),
      roundRect: step('square'),
    };
    addShape(path, shapeOf(grade), 0, 0, 1);
    return steps.join(' ');
  });
  expect(new Set(drawn).size).toBe(5);
});

test('a block is empty only when nothing is left of it', () => {
  expect(shadeOf(0, 300)).toBe(0);
  expect(shadeOf(1, 300)).toBe(1);
  expect(shadeOf(300, 300)).toBe(5);
});

test('from afar there are sections, closer rows, then seats, and at last their numbers', () => {
  expect([1, 5, 12, 40].map(levelAt)).toEqual(['sections', 'rows', 'seats', 'seats']);
  expect([12, 40].map(hasLabels)).toEqual([false, true]);
});
