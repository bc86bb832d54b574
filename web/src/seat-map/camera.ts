import type { Box } from './geometry.ts';
import {
  between,
  boundsOf,
  clamp,
  fit,
  pan,
  zoomAbout,
  type Bounds,
  type Point,
  type Size,
  type View,
} from './viewport.ts';

// The view and how it moves: at once by hand, by itself after a push or on the way to a place. Time is an argument.

type Motion =
  | { readonly kind: 'rest' }
  | { readonly kind: 'glide'; readonly dx: number; readonly dy: number; readonly at: number }
  | { readonly kind: 'journey'; readonly from: View; readonly to: View; readonly since: number };

const journeyMs = 320;
/** A push loses all but this share of its speed in a second. */
const glideKept = 0.015;
const glideEndPixelsPerMs = 0.02;

export class Camera {
  /** Whether the view may move by itself: somebody may have asked for less motion. */
  isCalm = false;
  private readonly box: Box;
  private readonly pitch: number;
  private limits: Bounds;
  private now: View;
  private motion: Motion = { kind: 'rest' };

  constructor(box: Box, pitch: number, size: Size) {
    this.box = box;
    this.pitch = pitch;
    this.limits = boundsOf(box, size, pitch);
    this.now = fit(this.limits);
  }

  get view(): View {
    return this.now;
  }

  get bounds(): Bounds {
    return this.limits;
  }

  get isWhole(): boolean {
    return this.now.scale <= this.limits.scaleMin * 1.001;
  }

  /** The canvas has another size: who saw everything still does, and the middle stays in the middle. */
  resize(size: Size): void {
    const wasWhole = this.isWhole;
    const { width, height } = this.limits.size;
    const left = this.now.left + (width - size.width) / 2 / this.now.scale;
    const top = this.now.top + (height - size.height) / 2 / this.now.scale;
    this.limits = boundsOf(this.box, size, this.pitch);
    this.motion = { kind: 'rest' };
    this.now = wasWhole ? fit(this.limits) : clamp({ ...this.now, left, top }, this.limits);
  }

  panBy(dx: number, dy: number): void {
    this.motion = { kind: 'rest' };
    this.now = pan(this.now, dx, dy, this.limits);
  }

  zoomBy(factor: number, at: Point): void {
    this.motion = { kind: 'rest' };
    this.now = zoomAbout(this.now, factor, at, this.limits);
  }

  /** What a finger leaves behind; pixels a millisecond. */
  push(dx: number, dy: number, now: number): void {
    if (!this.isCalm && Math.hypot(dx, dy) > glideEndPixelsPerMs) {
      this.motion = { kind: 'glide', dx, dy, at: now };
    }
  }

  stop(): void {
    this.motion = { kind: 'rest' };
  }

  goTo(view: View, now: number): void {
    const to = clamp(view, this.limits);
    if (this.isCalm) {
      this.motion = { kind: 'rest' };
      this.now = to;
    } else this.motion = { kind: 'journey', from: this.now, to, since: now };
  }

  goToWhole(now: number): void {
    this.goTo(fit(this.limits), now);
  }

  /** Steps of keys and buttons add up even while the last one is still on its way. */
  stepZoom(factor: number, now: number, at?: Point): void {
    const from = this.motion.kind === 'journey' ? this.motion.to : this.now;
    const { width, height } = this.limits.size;
    this.goTo(zoomAbout(from, factor, at ?? { x: width / 2, y: height / 2 }, this.limits), now);
  }

  stepPan(dx: number, dy: number, now: number): void {
    const from = this.motion.kind === 'journey' ? this.motion.to : this.now;
    this.goTo(pan(from, dx, dy, this.limits), now);
  }

  /** Moves on to this time; says whether it will move further. */
  advance(now: number): boolean {
    if (this.motion.kind === 'glide') this.glide(this.motion, now);
    else if (this.motion.kind === 'journey') this.travel(this.motion, now);
    return this.motion.kind !== 'rest';
  }

  private glide({ dx, dy, at }: { dx: number; dy: number; at: number }, now: number): void {
    const passed = Math.max(0, now - at);
    const before = this.now;
    this.now = pan(before, dx * passed, dy * passed, this.limits);
    const kept = glideKept ** (passed / 1000);
    // At a wall the push ends in that direction.
    const isMoved = (one: number, other: number): number => (one === other ? 0 : kept);
    const [nextX, nextY] = [dx * isMoved(before.left, this.now.left), dy * isMoved(before.top, this.now.top)];
    const goesOn = passed === 0 || Math.hypot(nextX, nextY) > glideEndPixelsPerMs;
    this.motion = goesOn
      ? { kind: 'glide', dx: passed === 0 ? dx : nextX, dy: passed === 0 ? dy : nextY, at: now }
      : { kind: 'rest' };
  }

  private travel({ from, to, since }: { from: View; to: View; since: number }, now: number): void {
    const share = Math.min(1, Math.max(0, (now - since) / journeyMs));
    const eased = 1 - (1 - share) ** 3;
    this.now = share === 1 ? to : between(from, to, eased, this.limits.size);
    if (share === 1) this.motion = { kind: 'rest' };
  }
}
