import { expect, test } from 'vitest';
import { Camera } from './camera.ts';

const box = { left: -50, top: -6, right: 50, bottom: 90 };
const size = { width: 800, height: 600 };
const close = (): Camera => {
  const camera = new Camera(box, 0.55, size);
  camera.zoomBy(8, { x: 400, y: 300 });
  return camera;
};

/** Lets it move frame by frame until it rests; how many frames that took. */
function run(camera: Camera, from = 0): number {
  let frames = 0;
  while (camera.advance(from + frames * 16) && frames < 1_000) frames += 1;
  return frames;
}

test('a push glides on and comes to rest by itself', () => {
  const camera = close();
  const before = camera.view.left;
  camera.push(-1, 0, 0);
  const frames = run(camera);
  expect(frames).toBeGreaterThan(10);
  expect(frames).toBeLessThan(200);
  expect(camera.view.left).toBeGreaterThan(before);
});

test('a hand that comes down stops it', () => {
  const camera = close();
  camera.push(-1, 0, 0);
  camera.advance(16);
  camera.stop();
  expect(camera.advance(32)).toBe(false);
});

test('who asked for less motion gets none: pushes end at once, journeys arrive at once', () => {
  const camera = close();
  camera.isCalm = true;
  camera.push(-5, 0, 0);
  expect(camera.advance(16)).toBe(false);
  camera.goToWhole(16);
  expect(camera.isWhole).toBe(true);
});

test('two steps of zooming add up though the first has not arrived', () => {
  const [one, two] = [close(), close()];
  one.stepZoom(1 / 1.6, 0);
  one.advance(50);
  one.stepZoom(1 / 1.6, 50);
  run(one, 50);
  two.zoomBy(1 / 1.6 ** 2, { x: 400, y: 300 });
  expect(one.view.scale).toBeCloseTo(two.view.scale, 6);
});

test('who sees the whole hall still does after the window has changed', () => {
  const camera = new Camera(box, 0.55, size);
  camera.resize({ width: 390, height: 700 });
  expect(camera.isWhole).toBe(true);
  camera.zoomBy(8, { x: 195, y: 350 });
  const middle = camera.view.left + 195 / camera.view.scale;
  camera.resize({ width: 700, height: 390 });
  expect(camera.view.left + 350 / camera.view.scale).toBeCloseTo(middle);
});
