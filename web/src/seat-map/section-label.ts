import type { Geometry, Section } from './geometry.ts';
import type { Hall } from './hall.ts';
import type { Level } from './level-of-detail.ts';
import type { Palette } from './palette.ts';
import { addShape, shapeOf } from './seat-shape.ts';
import type { Messages } from './messages.ts';
import type { Ink } from './tile-painter.ts';
import { seenBox, toCanvas, type Size, type View } from './viewport.ts';

// Names, prices and what is left, over the sections. Text is the dearest thing to draw: each label is drawn once, kept as a
// picture, and drawn anew only when it says something else.

type Line = {
  readonly text: string;
  readonly pixels: number;
  readonly isStrong: boolean;
  readonly hasMark: boolean;
};
type Picture = { readonly canvas: HTMLCanvasElement; readonly width: number; readonly height: number };

const lineHeight = 1.22;
const picturesMax = 600;

export class SectionLabels {
  private readonly hall: Hall;
  private readonly palette: Palette;
  private readonly messages: Messages;
  private readonly ratio: number;
  private readonly pictures = new Map<string, Picture>();
  private readonly ruler = document.createElement('canvas').getContext('2d');

  constructor(hall: Hall, palette: Palette, messages: Messages, ratio: number) {
    this.hall = hall;
    this.palette = palette;
    this.messages = messages;
    this.ratio = ratio;
  }

  show(ink: Ink, view: View, size: Size, level: Level): void {
    this.showStage(ink, view);
    if (level === 'seats') return;
    const seen = seenBox(view, size);
    for (const [index, section] of this.hall.geometry.sections.entries()) {
      const { box } = section;
      if (box.right < seen.left || box.left > seen.right || box.bottom < seen.top || box.top > seen.bottom)
        continue;
      this.showSection(ink, view, section, index, level);
    }
  }

  private showSection(ink: Ink, view: View, section: Section, index: number, level: Level): void {
    const { box } = section;
    const room = roomIn(this.hall.geometry, section, view.scale);
    const lines = this.linesFor(section, this.hall.freeOf[index] ?? 0, room, level);
    if (lines.length === 0) return;
    const picture = this.pictureOf(lines, section.grade, level === 'rows');
    const middle = toCanvas(view, { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 });
    this.place(ink, picture, middle.x, middle.y);
  }

  private showStage(ink: Ink, view: View): void {
    const { stage } = this.hall;
    const width = (stage.right - stage.left) * view.scale;
    const pixels = Math.min(15, (stage.bottom - stage.top) * view.scale * 0.5);
    if (pixels < 7 || width < 40) return;
    const line = { text: this.messages.stage, pixels: Math.round(pixels), isStrong: true, hasMark: false };
    const picture = this.pictureOf([line], -1, false);
    const middle = toCanvas(view, { x: 0, y: (stage.top + stage.bottom) / 2 });
    this.place(ink, picture, middle.x, middle.y);
  }

  private place(ink: Ink, { canvas, width, height }: Picture, x: number, y: number): void {
    const { ratio } = this;
    ink.drawImage(canvas, Math.round((x - width / 2) * ratio), Math.round((y - height / 2) * ratio));
  }

  /** As much as there is room for: the name, what is left, the price. */
  private linesFor(section: Section, free: number, room: Size, level: Level): Line[] {
    const { messages } = this;
    const name = [section.name, section.shortName].find((text) => this.fits(text, 13, room.width));
    const small = this.fits(section.shortName, 10, room.width) ? section.shortName : undefined;
    const title = name ?? small;
    if (title === undefined || room.height < 13) return [];
    const lines: Line[] = [
      { text: title, pixels: name === undefined ? 10 : 13, isStrong: true, hasMark: false },
    ];
    const say = (texts: readonly string[], hasMark: boolean): void => {
      const used = lines.reduce((sum, line) => sum + line.pixels * lineHeight, 0);
      const text = texts.find((one) => this.fits(one, 11, room.width - (hasMark ? 14 : 0)));
      if (text !== undefined && used + 11 * lineHeight <= room.height) {
        lines.push({ text, pixels: 11, isStrong: false, hasMark });
      }
    };
    if (!this.hall.isKnown) return lines;
    if (free === 0) say([messages.soldOut], false);
    else {
      say([messages.price(section.price), messages.priceShort(section.price)], true);
      say([messages.left(free), String(free)], false);
    }
    return level === 'rows' ? lines.slice(0, 2) : lines;
  }

  private fits(text: string, pixels: number, width: number): boolean {
    if (!this.ruler) return false;
    this.ruler.font = `600 ${pixels}px ${this.palette.font}`;
    return this.ruler.measureText(text).width <= width;
  }

  private pictureOf(lines: readonly Line[], grade: number, hasPlate: boolean): Picture {
    const key = `${grade}/${hasPlate}/${lines.map(({ text, pixels }) => `${pixels} ${text}`).join('/')}`;
    const kept = this.pictures.get(key);
    if (kept) return kept;
    if (this.pictures.size > picturesMax) this.pictures.clear();
    const picture = this.draw(lines, grade, hasPlate);
    this.pictures.set(key, picture);
    return picture;
  }

  private draw(lines: readonly Line[], grade: number, hasPlate: boolean): Picture {
    const { palette, ratio } = this;
    const padding = hasPlate ? 7 : 1;
    const widths = lines.map((line) => this.widthOf(line));
    const width = Math.ceil(Math.max(...widths) + padding * 2);
    const height = Math.ceil(lines.reduce((sum, line) => sum + line.pixels * lineHeight, 0) + padding * 1.2);
    const canvas = document.createElement('canvas');
    canvas.width = Math.ceil(width * ratio);
    canvas.height = Math.ceil(height * ratio);
    const ink = canvas.getContext('2d');
    if (!ink) return { canvas, width, height };
    ink.scale(ratio, ratio);
    if (hasPlate) drawPlate(ink, palette, width, height);
    ink.textBaseline = 'middle';
    let y = padding * 0.6;
    for (const [index, line] of lines.entries()) {
      const middle = y + (line.pixels * lineHeight) / 2;
      const start = (width - (widths[index] ?? 0)) / 2;
      if (line.hasMark) {
        ink.fillStyle = palette.grades[grade] ?? palette.ink;
        ink.beginPath();
        addShape(ink, shapeOf(grade), start + 4.5, middle - 0.5, 4);
        ink.fill();
      }
      ink.font = fontOf(line, palette);
      ink.fillStyle = grade < 0 ? palette.onStage : palette.ink;
      ink.fillText(line.text, start + (line.hasMark ? 12 : 0), middle);
      y += line.pixels * lineHeight;
    }
    return { canvas, width, height };
  }

  private widthOf(line: Line): number {
    if (!this.ruler) return 0;
    this.ruler.font = fontOf(line, this.palette);
    return this.ruler.measureText(line.text).width + (line.hasMark ? 12 : 0);
  }
}

const fontOf = ({ isStrong, pixels }: Line, { font }: Palette): string =>
  `${isStrong ? 650 : 500} ${pixels}px ${font}`;

function drawPlate(ink: Ink, palette: Palette, width: number, height: number): void {
  ink.fillStyle = palette.ground;
  ink.globalAlpha = 0.86;
  ink.beginPath();
  ink.roundRect(0, 0, width, height, 7);
  ink.fill();
  ink.globalAlpha = 1;
}

/** How wide and high a label may be: turned blocks have less room than their boxes. */
function roomIn({ pitch }: Geometry, { box, end, first }: Section, scale: number): Size {
  const [width, height] = [box.right - box.left + pitch, box.bottom - box.top + pitch];
  const filled = Math.min(1, ((end - first) * pitch * 0.85) / Math.max(width * height, 1e-3));
  const share = 0.55 + 0.4 * filled;
  return { width: width * scale * share, height: height * scale * share };
}
