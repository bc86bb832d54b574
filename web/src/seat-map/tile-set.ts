import type { Box } from './geometry.ts';
import type { Hall } from './hall.ts';
import type { Level } from './level-of-detail.ts';
import type { Palette } from './palette.ts';
import { paintPiece, paintSeatAgain, type Ink, type Piece } from './tile-painter.ts';
import { seenBox, type Size, type View } from './viewport.ts';

// The hall painted once at one scale, in squares, and shown as often as the view moves: what a frame costs does not depend on
// how many seats there are.

type Tile = {
  readonly canvas: HTMLCanvasElement;
  readonly ink: Ink;
  readonly column: number;
  readonly line: number;
  isStale: boolean;
  usedAt: number;
};

/** What a set is painted from. */
export type Paint = {
  readonly hall: Hall;
  readonly palette: Palette;
  readonly ratio: number;
  /** Canvases that no tile uses any more: a new one costs more than to paint it. */
  readonly spare: HTMLCanvasElement[];
};

export const tilePixels = 256;
/** Pixels that a set keeps. The tiles that no frame showed for the longest time give their canvas to new ones. */
const keptPixelsMax = 72 * tilePixels ** 2;

export class TileSet {
  readonly scale: number;
  readonly level: Level;
  private readonly paint: Paint;
  private readonly tiles = new Map<string, Tile>();
  /** A tile's side in canvas pixels and in metres. */
  private readonly side: number;
  private readonly metres: number;

  constructor(paint: Paint, scale: number, level: Level) {
    this.paint = paint;
    this.scale = scale;
    this.level = level;
    this.side = Math.round(tilePixels * paint.ratio);
    this.metres = this.side / (scale * paint.ratio);
  }

  /** Paints tiles that the view needs and lacks, the middle first, at least one and until the deadline; says how many it left. */
  prepare(view: View, size: Size, now: number, deadline: number): number {
    const wanted = this.placesIn(this.inHall(seenBox(view, size)));
    for (const { key } of wanted) {
      const tile = this.tiles.get(key);
      if (tile) tile.usedAt = now;
    }
    const missing = wanted.filter(({ key }) => this.tiles.get(key)?.isStale !== false);
    let painted = 0;
    for (const { key, column, line } of missing) {
      if (painted > 0 && performance.now() > deadline) break;
      this.paintTile(key, column, line, now);
      painted += 1;
    }
    return missing.length - painted;
  }

  get isEmpty(): boolean {
    return this.tiles.size === 0;
  }

  covers(view: View, size: Size): boolean {
    return this.placesIn(this.inHall(seenBox(view, size))).every(({ key }) => this.tiles.has(key));
  }

  /** Every tile that is there goes where the view has it; whole pixels, so that neither seams nor blur appear at rest. */
  show(ink: Ink, view: View, size: Size): number {
    const { ratio } = this.paint;
    const pixel = view.scale * ratio;
    const seen = seenBox(view, size);
    let shown = 0;
    for (const { canvas, column, line } of this.tiles.values()) {
      const left = Math.round((column * this.metres - seen.left) * pixel);
      const top = Math.round((line * this.metres - seen.top) * pixel);
      const right = Math.round(((column + 1) * this.metres - seen.left) * pixel);
      const bottom = Math.round(((line + 1) * this.metres - seen.top) * pixel);
      if (right <= 0 || bottom <= 0 || left >= size.width * ratio || top >= size.height * ratio) continue;
      ink.drawImage(canvas, left, top, right - left, bottom - top);
      shown += 1;
    }
    return shown;
  }

  /** Nobody will look at this set again. */
  end(): void {
    for (const { canvas } of this.tiles.values()) {
      if (this.paint.spare.length * this.side ** 2 < keptPixelsMax / 2) this.paint.spare.push(canvas);
    }
    this.tiles.clear();
  }

  /** A seat became another: only its place is painted again, in every tile that shows a part of it. */
  repaintSeat(seat: number): void {
    if (this.level === 'sections') return;
    const { geometry } = this.paint.hall;
    const [x, y] = [geometry.x[seat] ?? 0, geometry.y[seat] ?? 0];
    const reach = geometry.pitch / 2;
    const around = { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach };
    for (const { key } of this.placesIn(around)) {
      const tile = this.tiles.get(key);
      if (tile && !tile.isStale) paintSeatAgain(tile.ink, this.pieceOf(tile.column, tile.line), seat);
    }
  }

  /** The tiles that show a part of the box stay as they are until there is time for them. */
  spoil(box: Box): void {
    for (const { key } of this.placesIn(this.inHall(box))) {
      const tile = this.tiles.get(key);
      if (tile) tile.isStale = true;
    }
  }

  private paintTile(key: string, column: number, line: number, now: number): void {
    const tile = this.tiles.get(key) ?? this.newTile(column, line, now);
    if (!tile) return;
    this.tiles.set(key, tile);
    tile.isStale = false;
    tile.usedAt = now;
    paintPiece(tile.ink, this.pieceOf(column, line));
  }

  private newTile(column: number, line: number, now: number): Tile | undefined {
    const canvas = this.takeOldest(now) ?? this.paint.spare.pop() ?? document.createElement('canvas');
    if (canvas.width !== this.side) canvas.width = canvas.height = this.side;
    const ink = canvas.getContext('2d', { alpha: false });
    return ink ? { canvas, ink, column, line, isStale: true, usedAt: now } : undefined;
  }

  private takeOldest(now: number): HTMLCanvasElement | undefined {
    if (this.tiles.size * this.side ** 2 < keptPixelsMax) return undefined;
    let oldest: [string, Tile] | undefined;
    for (const entry of this.tiles) if (entry[1].usedAt < (oldest?.[1].usedAt ?? now)) oldest = entry;
    if (!oldest) return undefined;
    this.tiles.delete(oldest[0]);
    return oldest[1].canvas;
  }

  private pieceOf(column: number, line: number): Piece {
    const { metres } = this;
    const box = {
      left: column * metres,
      top: line * metres,
      right: (column + 1) * metres,
      bottom: (line + 1) * metres,
    };
    const { hall, palette, ratio } = this.paint;
    return { hall, palette, ratio, level: this.level, box, scale: this.scale * ratio };
  }

  /** Beyond the hall there is nothing to paint. */
  private inHall({ left, top, right, bottom }: Box): Box {
    const { box } = this.paint.hall;
    return {
      left: Math.max(left, box.left),
      top: Math.max(top, box.top),
      right: Math.min(right, box.right),
      bottom: Math.min(bottom, box.bottom),
    };
  }

  private placesIn(box: Box): { key: string; column: number; line: number }[] {
    const at = (edge: number): number => Math.floor(edge / this.metres);
    const places: { key: string; column: number; line: number; away: number }[] = [];
    const [middleX, middleY] = [at((box.left + box.right) / 2), at((box.top + box.bottom) / 2)];
    for (let line = at(box.top); line <= at(box.bottom); line++) {
      for (let column = at(box.left); column <= at(box.right); column++) {
        const away = Math.hypot(column - middleX, line - middleY);
        places.push({ key: `${column}/${line}`, column, line, away });
      }
    }
    return places.toSorted((one, other) => one.away - other.away);
  }
}
