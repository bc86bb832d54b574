import { Camera } from './camera.ts';
import type { Geometry } from './geometry.ts';
import { listen, zoomStep, type Pointing } from './gestures.ts';
import { Hall } from './hall.ts';
import { choosingPitchPixels } from './level-of-detail.ts';
import type { Messages } from './messages.ts';
import { readPalette } from './palette.ts';
import { Scene, type Marks } from './scene.ts';
import { canChange, seatAt, type Place } from './touch-target.ts';
import { lookAt, toCanvas, toHall, type Point, type Size } from './viewport.ts';

// One canvas and everything that makes it draw. It draws when something changed, and not otherwise.

export type SeatCanvasEvents = {
  readonly chosen: (seat: number) => void;
  /** What a mouse points at, and where that is. */
  readonly pointed: (seat: number | undefined, at: Point) => void;
  /** The section in the middle, once seats are close enough to be chosen. */
  readonly arrived: (section: number | undefined) => void;
};

/** More would cost four times the pixels of two, and nobody sees it. */
const ratioMax = 2;

export class SeatCanvas {
  private readonly canvas: HTMLCanvasElement;
  private readonly hall: Hall;
  private readonly events: SeatCanvasEvents;
  private readonly camera: Camera;
  private readonly ink: CanvasRenderingContext2D | null;
  private readonly ending = new AbortController();
  private readonly resizes = new ResizeObserver(() => this.fitToPage());
  private readonly themes = new MutationObserver(() => this.restyle());
  private messages: Messages;
  private scene: Scene;
  private states: Uint8Array | undefined;
  private marks: Marks = { selected: [], lost: [], pointed: undefined };
  private ratio = 1;
  private frame = 0;
  private section: number | undefined;

  constructor(canvas: HTMLCanvasElement, geometry: Geometry, messages: Messages, events: SeatCanvasEvents) {
    this.canvas = canvas;
    this.messages = messages;
    this.events = events;
    this.hall = new Hall(geometry);
    this.ink = canvas.getContext('2d', { alpha: false });
    this.camera = new Camera(this.hall.box, geometry.pitch, sizeOf(canvas));
    this.ratio = this.fitPixels();
    this.scene = this.newScene();
    this.follow();
  }

  private follow(): void {
    const { signal } = this.ending;
    const calm = matchMedia('(prefers-reduced-motion: reduce)');
    this.camera.isCalm = calm.matches;
    calm.addEventListener('change', () => (this.camera.isCalm = calm.matches), { signal });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.restyle(), { signal });
    this.themes.observe(document.documentElement, { attributes: true });
    this.resizes.observe(this.canvas);
    document.fonts.addEventListener('loadingdone', () => this.restyle(), { signal });
    const moved = (): void => this.ask();
    const tapped = (at: Point, pointing: Pointing): void => this.tap(at, pointing);
    const pointed = (at: Point | undefined): void => this.point(at);
    listen({ canvas: this.canvas, camera: this.camera, moved, tapped, pointed }, signal);
  }

  end(): void {
    this.ending.abort();
    this.resizes.disconnect();
    this.themes.disconnect();
    cancelAnimationFrame(this.frame);
  }

  setStates(states: Uint8Array): void {
    this.states = states;
    this.ask();
  }

  setMarks(selected: readonly number[], lost: readonly number[]): void {
    this.marks = { ...this.marks, selected, lost };
    this.ask();
  }

  setMessages(messages: Messages): void {
    if (messages === this.messages) return;
    this.messages = messages;
    this.restyle();
  }

  zoom(direction: 'in' | 'out' | 'whole'): void {
    const now = performance.now();
    if (direction === 'whole') this.camera.goToWhole(now);
    else this.camera.stepZoom(direction === 'in' ? zoomStep : 1 / zoomStep, now);
    this.ask();
  }

  private newScene(): Scene {
    const { hall, messages, ratio } = this;
    return new Scene({
      hall,
      messages,
      ratio,
      palette: readPalette(this.canvas.parentElement ?? document.body),
    });
  }

  private restyle(): void {
    this.scene = this.newScene();
    this.ask();
  }

  private fitPixels(): number {
    const ratio = Math.min(devicePixelRatio, ratioMax);
    const { width, height } = sizeOf(this.canvas);
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    return ratio;
  }

  private fitToPage(): void {
    const size = sizeOf(this.canvas);
    const before = this.camera.bounds.size;
    const ratio = Math.min(devicePixelRatio, ratioMax);
    if (size.width === before.width && size.height === before.height && ratio === this.ratio) return;
    this.ratio = this.fitPixels();
    this.camera.resize(size);
    this.scene = this.newScene();
    // A canvas of another size is empty: to wait for the next frame would show that.
    this.draw(performance.now());
  }

  private ask(): void {
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      this.draw(now);
    });
  }

  private draw(now: number): void {
    if (!this.ink) return;
    if (this.states) this.scene.update(this.states);
    this.states = undefined;
    const isMoving = this.camera.advance(now);
    const { view, bounds } = this.camera;
    const hasMore = this.scene.draw(this.ink, view, bounds, this.marks, now);
    // At the scale where all is seen there is nothing to drag: the page may scroll under the finger.
    const touchAction = this.camera.isWhole ? 'pan-y' : 'none';
    if (this.canvas.style.touchAction !== touchAction) this.canvas.style.touchAction = touchAction;
    this.tellSection();
    if (isMoving || hasMore) this.ask();
  }

  private tellSection(): void {
    const { view, bounds } = this.camera;
    const middle = toHall(view, { x: bounds.size.width / 2, y: bounds.size.height / 2 });
    const isClose = this.scene.levelOf(view.scale) === 'seats';
    const section = isClose ? this.hall.sectionAt(middle.x, middle.y) : undefined;
    if (section === this.section) return;
    this.section = section;
    this.events.arrived(section);
  }

  private tap(at: Point, pointing: Pointing): void {
    const { view } = this.camera;
    if (this.scene.levelOf(view.scale) !== 'seats') return this.approach(at);
    const place = this.place();
    const seat = seatAt(place, view, at, pointing);
    if (seat !== undefined && canChange(place, seat)) this.events.chosen(seat);
  }

  /** Too far away to choose a seat: to the whole section if its seats are large enough then, otherwise to the place itself. */
  private approach(at: Point): void {
    const { view, bounds } = this.camera;
    const { x, y } = toHall(view, at);
    const { pitch, sections } = this.hall.geometry;
    const section = sections[this.hall.sectionAt(x, y) ?? -1];
    const near = choosingPitchPixels / pitch;
    const whole = section ? lookAt(bounds, section.box) : undefined;
    const isLarge =
      whole !== undefined && whole.scale > view.scale && this.scene.levelOf(whole.scale) === 'seats';
    const place = isLarge && section ? section.box : { left: x, right: x, top: y, bottom: y };
    this.camera.goTo(lookAt(bounds, place, isLarge ? Math.min(whole.scale, near) : near), performance.now());
    this.ask();
  }

  private point(at: Point | undefined): void {
    const { view } = this.camera;
    const isClose = this.scene.levelOf(view.scale) === 'seats';
    const seat = at && isClose ? seatAt(this.place(), view, at, 'mouse') : undefined;
    if (seat === this.marks.pointed) return;
    this.marks = { ...this.marks, pointed: seat };
    this.canvas.style.cursor = seat === undefined ? '' : 'pointer';
    const { x, y } = this.hall.geometry;
    this.events.pointed(seat, toCanvas(view, { x: x[seat ?? 0] ?? 0, y: y[seat ?? 0] ?? 0 }));
    this.ask();
  }

  private place(): Place {
    const { geometry, grid, states } = this.hall;
    const { selected, lost } = this.marks;
    return { geometry, grid, states, selected: new Set([...selected, ...lost]) };
  }
}

const sizeOf = (canvas: HTMLCanvasElement): Size => ({
  width: Math.max(1, canvas.clientWidth),
  height: Math.max(1, canvas.clientHeight),
});
