// The colours of the map are the page's custom properties, so that one place decides about light and dark.

export type Colour = readonly [red: number, green: number, blue: number];

const tokens = {
  ground: '--ground',
  floor: '--surface',
  edge: '--line',
  ink: '--ink',
  inkSoft: '--ink-soft',
  taken: '--line-strong',
  held: '--ink-soft',
  onGrade: '--surface',
  selected: '--ink',
  onSelected: '--ground',
  lost: '--accent',
  stage: '--ink-soft',
  onStage: '--ground',
} as const;

export const gradeTokens = ['--grade-1', '--grade-2', '--grade-3', '--grade-4', '--ink-soft'] as const;

type Named = Readonly<Record<keyof typeof tokens, string>>;

export type Palette = Named & {
  readonly font: string;
  readonly grades: readonly string[];
  /** A section's block: the grade's colour, the paler the fewer seats are left. */
  readonly blocks: readonly (readonly string[])[];
};

export const blockShades = 6;

/** `colourOf` says what a custom property is as red, green and blue. */
export function paletteFrom(colourOf: (token: string) => Colour, font: string): Palette {
  const named = (name: keyof typeof tokens): string => css(colourOf(tokens[name]));
  const grades = gradeTokens.map(colourOf);
  const floor = colourOf(tokens.floor);
  return {
    ground: named('ground'),
    floor: named('floor'),
    edge: named('edge'),
    ink: named('ink'),
    inkSoft: named('inkSoft'),
    taken: named('taken'),
    held: named('held'),
    onGrade: named('onGrade'),
    selected: named('selected'),
    onSelected: named('onSelected'),
    lost: named('lost'),
    stage: named('stage'),
    onStage: named('onStage'),
    font,
    grades: grades.map(css),
    blocks: grades.map((grade) =>
      Array.from({ length: blockShades }, (_, shade) =>
        css(mix(floor, grade, shade === 0 ? 0 : 0.08 + (0.26 * shade) / (blockShades - 1))),
      ),
    ),
  };
}

/** Sold out is 0, everything free is the last shade. */
export const shadeOf = (free: number, seats: number): number =>
  free === 0 ? 0 : Math.max(1, Math.ceil((free / Math.max(seats, 1)) * (blockShades - 1)));

export const mix = (from: Colour, to: Colour, share: number): Colour => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
];

const css = (colour: Colour): string => `rgb(${colour.map(Math.round).join(' ')})`;

/** Reads what an element sees: whatever notation the style sheet uses, the browser says the pixel. */
export function readPalette(element: HTMLElement): Palette {
  const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colourOf = (token: string): Colour => {
    if (!pixel) return [128, 128, 128];
    pixel.fillStyle = colourSeenIn(element, token);
    pixel.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = pixel.getImageData(0, 0, 1, 1).data;
    return [red, green, blue];
  };
  return paletteFrom(colourOf, getComputedStyle(element).fontFamily);
}

/** By an element of its own for each: one that changes its colour may be on its way from the one before. */
function colourSeenIn(element: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
