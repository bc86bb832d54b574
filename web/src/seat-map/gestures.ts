import type { Camera } from './camera.ts';
import type { Point } from './viewport.ts';

// What hands do on the canvas, told to the camera: drag, push, pinch, wheel, keys; and taps and pointing to who chooses seats.

export type Pointing = 'mouse' | 'finger';

export type GestureParts = {
  readonly canvas: HTMLCanvasElement;
  readonly camera: Camera;
  /** The view has been moved, or will move. */
  readonly moved: () => void;
  readonly tapped: (at: Point, pointing: Pointing) => void;
  /** Where a mouse is, or nowhere. */
  readonly pointed: (at: Point | undefined) => void;
};

type Track = { at: Point; readonly from: Point; hasMoved: boolean; samples: (Point & { time: number })[] };

const tapPixelsMax = { mouse: 4, finger: 10 };
const pushFromMs = 90;
const wheelPerPixel = 0.0022;
const keyPanPixels = 96;
export const zoomStep = 1.6;

/** Listens until the signal ends it. */
export function listen({ canvas, camera, moved, tapped, pointed }: GestureParts, signal: AbortSignal): void {
  const tracks = new Map<number, Track>();
  const placeOf = (event: MouseEvent): Point => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };

  const down = (event: PointerEvent): void => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    camera.stop();
    const at = placeOf(event);
    tracks.set(event.pointerId, {
      at,
      from: at,
      hasMoved: false,
      samples: [{ ...at, time: event.timeStamp }],
    });
    // A second finger makes it a pinch, and no tap any more.
    if (tracks.size > 1) for (const track of tracks.values()) track.hasMoved = true;
  };

  const move = (event: PointerEvent): void => {
    const at = placeOf(event);
    const track = tracks.get(event.pointerId);
    if (!track) {
      if (event.pointerType === 'mouse') pointed(at);
      return;
    }
    const before = track.at;
    const reach = tapPixelsMax[pointingOf(event)];
    if (!track.hasMoved && Math.hypot(at.x - track.from.x, at.y - track.from.y) < reach) return;
    track.hasMoved = true;
    track.at = at;
    track.samples = [...track.samples, { ...at, time: event.timeStamp }].filter(
      ({ time }) => event.timeStamp - time <= pushFromMs,
    );
    const other = [...tracks].find(([id]) => id !== event.pointerId)?.[1].at;
    if (other) pinch(camera, before, at, other);
    else camera.panBy(at.x - before.x, at.y - before.y);
    pointed(undefined);
    moved();
  };

  const up = (event: PointerEvent): void => {
    const track = tracks.get(event.pointerId);
    tracks.delete(event.pointerId);
    if (!track) return;
    if (!track.hasMoved) tapped(track.from, pointingOf(event));
    else if (tracks.size === 0) {
      const { dx, dy } = speedOf(track.samples, event.timeStamp);
      camera.push(dx, dy, performance.now());
      moved();
    }
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    // A trackpad's pinch comes as a wheel with Ctrl, in smaller numbers.
    const factor = Math.exp(-Math.max(-240, Math.min(240, pixels)) * wheelPerPixel * (event.ctrlKey ? 4 : 1));
    camera.zoomBy(factor, placeOf(event));
    pointed(undefined);
    moved();
  };

  const key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !steer(camera, event.key)) return;
    event.preventDefault();
    moved();
  };

  canvas.addEventListener('pointerdown', down, { signal });
  canvas.addEventListener('pointermove', move, { signal });
  canvas.addEventListener('pointerup', up, { signal });
  canvas.addEventListener('pointercancel', ({ pointerId }) => tracks.delete(pointerId), { signal });
  canvas.addEventListener('pointerleave', () => pointed(undefined), { signal });
  canvas.addEventListener('wheel', wheel, { signal, passive: false });
  canvas.addEventListener('keydown', key, { signal });
}

const pointingOf = (event: PointerEvent): Pointing => (event.pointerType === 'mouse' ? 'mouse' : 'finger');

/** One of two fingers has moved: what lies under both stays under both. */
function pinch(camera: Camera, before: Point, now: Point, other: Point): void {
  const distance = (point: Point): number => Math.max(Math.hypot(point.x - other.x, point.y - other.y), 1);
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  camera.panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
  camera.zoomBy(distance(now) / distance(before), middle);
}

function speedOf(samples: Track['samples'], now: number): { dx: number; dy: number } {
  const recent = samples.filter(({ time }) => now - time <= pushFromMs);
  const [first, last] = [recent[0], recent.at(-1)];
  if (!first || !last || last.time - first.time < 8) return { dx: 0, dy: 0 };
  const passed = last.time - first.time;
  return { dx: (last.x - first.x) / passed, dy: (last.y - first.y) / passed };
}

/** Says whether the key meant anything. */
function steer(camera: Camera, key: string): boolean {
  const now = performance.now();
  if (key === '+' || key === '=') camera.stepZoom(zoomStep, now);
  else if (key === '-' || key === '_') camera.stepZoom(1 / zoomStep, now);
  else if (key === '0') camera.goToWhole(now);
  else if (key === 'ArrowLeft') camera.stepPan(keyPanPixels, 0, now);
  else if (key === 'ArrowRight') camera.stepPan(-keyPanPixels, 0, now);
  else if (key === 'ArrowUp') camera.stepPan(0, keyPanPixels, now);
  else if (key === 'ArrowDown') camera.stepPan(0, -keyPanPixels, now);
  else return false;
  return true;
}
