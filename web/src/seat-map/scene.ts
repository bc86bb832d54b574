import type { Hall } from './hall.ts';
import { levelAt, type Level } from './level-of-detail.ts';
import type { Messages } from './messages.ts';
import type { Palette } from './palette.ts';
import { SectionLabels } from './section-label.ts';
import { addCheck, addCross } from './seat-shape.ts';
import { shadeOf } from './palette.ts';
import { TileSet } from './tile-set.ts';
import type { Ink } from './tile-painter.ts';
import { fit, seenBox, toCanvas, type Bounds, type View } from './viewport.ts';

// Draws a frame: tiles of the scale one looks at, coarser ones where those are not painted yet, labels and marks above. A frame
// paints only a few tiles, so that it stays short however much there is to paint.

/** While one zooms, the tiles of the last scale are stretched this far before others are painted. */
const stretchMax = 1.7;
/** Once the scale rests this long, it gets tiles of its own: nothing is blurred. */
const restMs = 140;
/** What a frame may spend on painting tiles; showing them takes about as long again. */
const paintMsMax = 3;

export type Marks = {
  readonly selected: readonly number[];
  readonly lost: readonly number[];
  readonly pointed: number | undefined;
};

export type SceneOptions = {
  readonly hall: Hall;
  readonly palette: Palette;
  readonly messages: Messages;
  readonly ratio: number;
};

export class Scene {
  private readonly hall: Hall;
  private readonly palette: Palette;
  private readonly ratio: number;
  private readonly labels: SectionLabels;
  /** The whole hall at the scale where it fits: there is always something to show. */
  private base: TileSet | undefined;
  private earlier: TileSet | undefined;
  private current: TileSet | undefined;
  private readonly spare: HTMLCanvasElement[] = [];
  private scaleSeen = 0;
  private scaleSince = 0;

  constructor({ hall, palette, messages, ratio }: SceneOptions) {
    this.hall = hall;
    this.palette = palette;
    this.ratio = ratio;
    this.labels = new SectionLabels(hall, palette, messages, ratio);
  }

  /** Seats that became others since the last frame: all tiles that show them follow. */
  update(states: Uint8Array): void {
    const before = this.shades();
    const changed = this.hall.update(states);
    if (changed.length > this.hall.geometry.count / 10) {
      for (const set of this.sets()) set.spoil(this.hall.box);
      return;
    }
    for (const seat of changed) for (const set of this.sets()) set.repaintSeat(seat);
    const after = this.shades();
    for (const [index, section] of this.hall.geometry.sections.entries()) {
      if (before[index] === after[index]) continue;
      for (const set of this.sets()) if (set.level === 'sections') set.spoil(section.box);
    }
  }

  private shades(): number[] {
    const { geometry, freeOf } = this.hall;
    return geometry.sections.map(({ first, end }, index) => shadeOf(freeOf[index] ?? 0, end - first));
  }

  private sets(): TileSet[] {
    const sets = [this.base, this.earlier, this.current].filter((set) => set !== undefined);
    return [...new Set(sets)];
  }

  /** Says whether there is more to draw although nothing changes. */
  draw(ink: Ink, view: View, bounds: Bounds, marks: Marks, now: number): boolean {
    const { size } = bounds;
    this.follow(view, bounds, now);
    const missing = this.prepare(view, bounds, now);
    ink.fillStyle = this.palette.ground;
    ink.fillRect(0, 0, size.width * this.ratio, size.height * this.ratio);
    const isWhole = this.current?.covers(view, size) ?? false;
    if (!isWhole) {
      this.base?.show(ink, view, size);
      if (this.earlier !== this.base) this.earlier?.show(ink, view, size);
    }
    this.current?.show(ink, view, size);
    this.labels.show(ink, view, size, this.levelOf(view.scale));
    this.drawMarks(ink, view, bounds, marks);
    return missing > 0 || this.current?.scale !== view.scale;
  }

  levelOf(scale: number): Level {
    return levelAt(this.hall.geometry.pitch * scale);
  }

  /** Decides at which scale tiles are painted now. */
  private follow(view: View, bounds: Bounds, now: number): void {
    const paint = { hall: this.hall, palette: this.palette, ratio: this.ratio, spare: this.spare };
    const whole = fit(bounds).scale;
    if (this.base?.scale !== whole) this.base = new TileSet(paint, whole, this.levelOf(whole));
    if (view.scale !== this.scaleSeen) this.scaleSince = now;
    this.scaleSeen = view.scale;
    const { current } = this;
    if (current?.scale === view.scale) return;
    const stretch = current ? Math.max(view.scale / current.scale, current.scale / view.scale) : Infinity;
    const level = this.levelOf(view.scale);
    if (current && stretch < stretchMax && level === current.level && now - this.scaleSince < restMs) return;
    if (this.earlier !== this.base) this.earlier?.end();
    this.earlier = current === this.base ? undefined : current;
    this.current = view.scale === whole ? this.base : new TileSet(paint, view.scale, level);
  }

  private prepare(view: View, bounds: Bounds, now: number): number {
    const { base, current } = this;
    const deadline = performance.now() + paintMsMax;
    // Before anything can be seen nothing can stutter.
    const whole = base?.prepare(fit(bounds), bounds.size, now, base.isEmpty ? Infinity : deadline) ?? 0;
    if (current === base) return whole;
    return whole + (current?.prepare(view, bounds.size, now, deadline) ?? 0);
  }

  private drawMarks(ink: Ink, view: View, { size }: Bounds, { selected, lost, pointed }: Marks): void {
    const seen = seenBox(view, size);
    const visible = (seat: number): boolean => {
      const [x, y] = [this.hall.geometry.x[seat] ?? 0, this.hall.geometry.y[seat] ?? 0];
      return x > seen.left - 1 && x < seen.right + 1 && y > seen.top - 1 && y < seen.bottom + 1;
    };
    if (pointed !== undefined && visible(pointed)) this.drawRing(ink, view, pointed);
    for (const seat of selected) if (visible(seat)) this.drawSelected(ink, view, seat);
    for (const seat of lost) if (visible(seat)) this.drawLost(ink, view, seat);
  }

  private spotOf(view: View, seat: number): { x: number; y: number; radius: number } {
    const { geometry } = this.hall;
    const { x, y } = toCanvas(view, { x: geometry.x[seat] ?? 0, y: geometry.y[seat] ?? 0 });
    // From afar one still wants to find one's own seats.
    const radius = Math.max(geometry.pitch * view.scale * 0.47, 6);
    return { x: x * this.ratio, y: y * this.ratio, radius: radius * this.ratio };
  }

  private drawRing(ink: Ink, view: View, seat: number): void {
    const { x, y, radius } = this.spotOf(view, seat);
    ink.strokeStyle = this.palette.ink;
    ink.lineWidth = 2 * this.ratio;
    ink.beginPath();
    ink.arc(x, y, radius + this.ratio, 0, Math.PI * 2);
    ink.stroke();
  }

  private drawSelected(ink: Ink, view: View, seat: number): void {
    const { x, y, radius } = this.spotOf(view, seat);
    this.drawDisc(ink, x, y, radius, this.palette.selected);
    ink.beginPath();
    addCheck(ink, x, y, radius * 0.48);
    this.strokeOn(ink, radius, this.palette.onSelected);
  }

  private drawLost(ink: Ink, view: View, seat: number): void {
    const { x, y, radius } = this.spotOf(view, seat);
    this.drawDisc(ink, x, y, radius, this.palette.lost);
    ink.beginPath();
    addCross(ink, x, y, radius * 0.4);
    this.strokeOn(ink, radius, this.palette.floor);
  }

  private drawDisc(ink: Ink, x: number, y: number, radius: number, colour: string): void {
    ink.fillStyle = colour;
    ink.strokeStyle = this.palette.floor;
    ink.lineWidth = 2 * this.ratio;
    ink.beginPath();
    ink.arc(x, y, radius, 0, Math.PI * 2);
    ink.stroke();
    ink.fill();
  }

  private strokeOn(ink: Ink, radius: number, colour: string): void {
    ink.strokeStyle = colour;
    ink.lineCap = ink.lineJoin = 'round';
    ink.lineWidth = radius * 0.24;
    ink.stroke();
  }
}
