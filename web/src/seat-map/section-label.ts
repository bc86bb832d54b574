import { shortNameOf, type Section } from './geometry.ts';
import { floorMarginMetres, type Hall } from './hall.ts';
import type { Level } from './level-of-detail.ts';
import type { Palette } from './palette.ts';
import { addShape, shapeOf } from './seat-shape.ts';
import type { Messages } from './messages.ts';
import { widthInside } from './outline.ts';
import type { Ink } from './tile-painter.ts';
import { seenBox, toCanvas, type Point, type Size, type View } from './viewport.ts';

// Names, prices and what is left, over the sections. Text is the dearest thing to draw: each line is drawn once and kept as a
// picture, and what fits where is worked out anew only when the scale or the words have changed.

type Line = {
  readonly text: string;
  readonly pixels: number;
  readonly isStrong: boolean;
  readonly hasMark: boolean;
};
type Picture = { readonly canvas: HTMLCanvasElement; readonly width: number };
/** What a section's label says, and for what that was worked out. */
type Kept = {
  readonly scale: number;
  readonly free: number;
  readonly level: Level;
  readonly isKnown: boolean;
  readonly lines: readonly Line[];
};

const lineHeight = 1.22;
const markWidth = 12;
/** A scale that differs less does not change what fits. */
const scaleSlack = 0.04;
const picturesMax = 900;
const widthsMax = 5_000;

export class SectionLabels {
  private readonly hall: Hall;
  private readonly palette: Palette;
  private readonly messages: Messages;
  private readonly ratio: number;
  private readonly pictures = new Map<string, Picture>();
  private readonly kept: (Kept | undefined)[] = [];
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
    const lines = this.keptLines(section, index, view.scale, level);
    if (lines.length === 0) return;
    const middle = toCanvas(view, section.middle);
    if (level === 'rows') this.drawPlate(ink, lines, middle);
    this.drawLines(ink, lines, section.grade, middle);
  }

  private showStage(ink: Ink, view: View): void {
    const { stage } = this.hall;
    const width = (stage.right - stage.left) * view.scale;
    const pixels = Math.min(15, (stage.bottom - stage.top) * view.scale * 0.5);
    if (pixels < 7 || width < 40) return;
    const line = { text: this.messages.stage, pixels: Math.round(pixels), isStrong: true, hasMark: false };
    this.drawLines(ink, [line], -1, toCanvas(view, { x: 0, y: (stage.top + stage.bottom) / 2 }));
  }

  /** Lines below each other, their middle at a place. */
  private drawLines(ink: Ink, lines: readonly Line[], grade: number, { x, y }: Point): void {
    const { ratio } = this;
    let top = y - heightOf(lines) / 2;
    for (const line of lines) {
      const { canvas, width } = this.pictureOf(line, grade);
      ink.drawImage(canvas, Math.round((x - width / 2) * ratio), Math.round(top * ratio));
      top += line.pixels * lineHeight;
    }
  }

  /** Behind a label that stands over seats. */
  private drawPlate(ink: Ink, lines: readonly Line[], { x, y }: Point): void {
    const width = Math.max(...lines.map((line) => this.widthOf(line))) + 14;
    const height = heightOf(lines) + 8;
    const [left, top, across, down, corner] = [x - width / 2, y - height / 2, width, height, 7].map(
      (value) => value * this.ratio,
    );
    ink.fillStyle = this.palette.ground;
    ink.globalAlpha = 0.86;
    ink.beginPath();
    ink.roundRect(left ?? 0, top ?? 0, across ?? 0, down ?? 0, corner);
    ink.fill();
    ink.globalAlpha = 1;
  }

  private keptLines(section: Section, index: number, scale: number, level: Level): readonly Line[] {
    const free = this.hall.freeOf[index] ?? 0;
    const { isKnown } = this.hall;
    const kept = this.kept[index];
    const isSame = kept?.free === free && kept.level === level && kept.isKnown === isKnown;
    if (kept && isSame && Math.abs(scale / kept.scale - 1) < scaleSlack) return kept.lines;
    const lines = this.linesFor(section, free, scale, level);
    this.kept[index] = { scale, free, level, isKnown, lines };
    return lines;
  }

  /** As much as there is room for, the price first to go after the whole name. */
  private linesFor(section: Section, free: number, scale: number, level: Level): readonly Line[] {
    const plate = level === 'rows' ? 6 : 0;
    return this.candidates(section, free).find((lines) => this.fits(section, lines, plate, scale)) ?? [];
  }

  private candidates(section: Section, free: number): Line[][] {
    const { messages } = this;
    const { price } = section;
    const name = messages.section(section.name);
    const shortName = shortNameOf(name);
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
    const height = (heightOf(lines) + plate) * share;
    const edge = floorMarginMetres * 2 * scale - 6;
    const room = widthInside(outline, middle.x, middle.y, Math.max(height - edge, 1) / scale) * scale;
    return lines.every((line) => this.widthOf(line) + plate <= room + edge);
  }

  private pictureOf(line: Line, grade: number): Picture {
    const key = `${line.hasMark || grade < 0 ? grade : ''}/${line.pixels}/${line.isStrong}/${line.text}`;
    const kept = this.pictures.get(key);
    if (kept) return kept;
    if (this.pictures.size > picturesMax) this.pictures.clear();
    const picture = this.draw(line, grade);
    this.pictures.set(key, picture);
    return picture;
  }

  private draw(line: Line, grade: number): Picture {
    const { palette, ratio } = this;
    const width = Math.ceil(this.widthOf(line)) + 2;
    const height = Math.ceil(line.pixels * lineHeight);
    const canvas = document.createElement('canvas');
    canvas.width = Math.ceil(width * ratio);
    canvas.height = Math.ceil(height * ratio);
    const ink = canvas.getContext('2d');
    if (!ink) return { canvas, width };
    ink.scale(ratio, ratio);
    if (line.hasMark) {
      ink.fillStyle = palette.grades[grade] ?? palette.ink;
      ink.beginPath();
      addShape(ink, shapeOf(grade), 5.5, height / 2 - 0.5, 4);
      ink.fill();
    }
    ink.textBaseline = 'middle';
    ink.font = fontOf(line, palette);
    ink.fillStyle = grade < 0 ? palette.onStage : palette.ink;
    ink.fillText(line.text, line.hasMark ? markWidth + 1 : 1, height / 2);
    return { canvas, width };
  }

  private widthOf(line: Line): number {
    const key = `${line.pixels} ${line.isStrong} ${line.text}`;
    const mark = line.hasMark ? markWidth : 0;
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

const heightOf = (lines: readonly Line[]): number =>
  lines.reduce((sum, line) => sum + line.pixels * lineHeight, 0);
