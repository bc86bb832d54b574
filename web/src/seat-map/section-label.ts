import type { Section } from './geometry.ts';
import { floorMarginMetres, type Hall } from './hall.ts';
import type { Level } from './level-of-detail.ts';
import type { Palette } from './palette.ts';
import { addShape, shapeOf } from './seat-shape.ts';
import type { Messages } from './messages.ts';
import { widthInside } from './outline.ts';
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
const widthsMax = 5_000;

export class SectionLabels {
  private readonly hall: Hall;
  private readonly palette: Palette;
  private readonly messages: Messages;
  private readonly ratio: number;
  private readonly pictures = new Map<string, Picture>();
  private readonly widths = new Map<string, number>();
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
    const lines = this.linesFor(section, this.hall.freeOf[index] ?? 0, view.scale, level);
    if (lines.length === 0) return;
    const picture = this.pictureOf(lines, section.grade, level === 'rows');
    const middle = toCanvas(view, section.middle);
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

  /** As much as there is room for, the price first to go after the whole name. */
  private linesFor(section: Section, free: number, scale: number, level: Level): readonly Line[] {
    const plate = level === 'rows' ? 6 : 0;
    return this.candidates(section, free).find((lines) => this.fits(section, lines, plate, scale)) ?? [];
  }

  private candidates({ name, shortName, price }: Section, free: number): Line[][] {
    const { messages } = this;
    const title = (text: string, pixels: number): Line => ({ text, pixels, isStrong: true, hasMark: false });
    const text = (words: string, hasMark = false): Line => ({
      text: words,
      pixels: 11,
      isStrong: false,
      hasMark,
    });
    const names = [[title(name, 13)], [title(shortName, 13)], [title(shortName, 10)]];
    if (!this.hall.isKnown) return names;
    if (free === 0) return [...names.map((lines) => [...lines, text(messages.soldOut)]), ...names];
    const [long, short] = [text(messages.price(price), true), text(messages.priceShort(price), true)];
    const [left, count] = [text(messages.left(free)), text(String(free))];
    return [
      [title(name, 13), long, left],
      [title(name, 13), short, left],
      [title(shortName, 13), short, left],
      [title(shortName, 13), short, count],
      [title(shortName, 13), left],
      [title(shortName, 13), count],
      [title(shortName, 11), { ...count, pixels: 10 }],
      ...names,
    ];
  }

  private fits({ outline, middle }: Section, lines: readonly Line[], plate: number, scale: number): boolean {
    // A name alone may touch the edges of a narrow, bent block: better than a block without a name.
    const share = lines.length === 1 ? 0.55 : 1;
    const height = lines.reduce((sum, line) => sum + line.pixels * lineHeight, plate) * share;
    const edge = floorMarginMetres * 2 * scale - 6;
    const room = widthInside(outline, middle.x, middle.y, Math.max(height - edge, 1) / scale) * scale;
    return lines.every((line) => this.widthOf(line) + plate <= room + edge);
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
    const key = `${line.pixels} ${line.isStrong} ${line.text}`;
    const mark = line.hasMark ? 12 : 0;
    const known = this.widths.get(key);
    if (known !== undefined) return known + mark;
    if (!this.ruler) return 0;
    this.ruler.font = fontOf(line, this.palette);
    const { width } = this.ruler.measureText(line.text);
    if (this.widths.size > widthsMax) this.widths.clear();
    this.widths.set(key, width);
    return width + mark;
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
