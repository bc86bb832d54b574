import { addCheck, addCross, addShape, shapeOf, type Path } from './seat-shape.ts';

type Props = { readonly look: 'free' | 'held' | 'sold' | 'chosen' | 'lost'; readonly grade?: number };

const middle = 8;
const radius = 6.4;

/** A seat as the canvas draws it, for a legend or a line of text; it says nothing that the text beside it does not say. */
export function SeatMark({ look, grade = 0 }: Props) {
  return (
    <svg className={`seat-mark seat-grade-${grade % 5}`} viewBox="0 0 16 16" aria-hidden="true">
      {look === 'sold' ? null : <path className={`seat-mark-${look}`} d={bodyOf(look, grade)} />}
      {look === 'sold' ? (
        <path className="seat-mark-sold" d={pathOf((path) => addCross(path, middle, middle, 3))} />
      ) : null}
      {look === 'chosen' ? (
        <path className="seat-mark-check" d={pathOf((path) => addCheck(path, middle, middle, 3))} />
      ) : null}
      {look === 'lost' ? (
        <path className="seat-mark-cross" d={pathOf((path) => addCross(path, middle, middle, 2.4))} />
      ) : null}
    </svg>
  );
}

const bodyOf = (look: Props['look'], grade: number): string =>
  pathOf((path) => {
    if (look === 'free') addShape(path, shapeOf(grade), middle, middle, radius);
    else addShape(path, 'circle', middle, middle, look === 'held' ? 5 : 7.4);
  });

/** The same drawing as an SVG path. */
function pathOf(draw: (path: Path) => void): string {
  const steps: string[] = [];
  draw({
    moveTo: (x, y) => steps.push(`M${x} ${y}`),
    lineTo: (x, y) => steps.push(`L${x} ${y}`),
    closePath: () => steps.push('Z'),
    // Only ever whole circles.
    arc: (x, y, r) =>
      steps.push(`M${x + r} ${y}A${r} ${r} 0 1 1 ${x - r} ${y}A${r} ${r} 0 1 1 ${x + r} ${y}Z`),
    roundRect: (x, y, width, height, corner) => {
      const r = typeof corner === 'number' ? corner : 0;
      const [h, v] = [width - 2 * r, height - 2 * r];
      steps.push(
        `M${x + r} ${y}h${h}a${r} ${r} 0 0 1 ${r} ${r}v${v}a${r} ${r} 0 0 1 ${-r} ${r}h${-h}a${r} ${r} 0 0 1 ${-r} ${-r}v${-v}a${r} ${r} 0 0 1 ${r} ${-r}Z`,
      );
    },
  });
  return steps.join('');
}
