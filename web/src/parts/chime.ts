/** Two notes when it is the fan's turn. Browsers allow sound only after the fan did something on this page: choosing it is that. */
const stored = 'tutti.sound';
/** What could not be played by then is not played at all: nobody wants it at the next click. */
const lateMs = 2_000;
let context: AudioContext | undefined;

export const isSoundOn = (): boolean => localStorage.getItem(stored) === 'on';

export function setSound(isOn: boolean): void {
  localStorage.setItem(stored, isOn ? 'on' : 'off');
  chime();
}

/** The choice outlives the page, the permission does not: whatever the fan does first after a reload gives it again. */
export function readySound(): () => void {
  const done = new AbortController();
  const wake = (): void => {
    if (!isSoundOn()) return;
    context ??= new AudioContext();
    void context.resume().then(() => done.abort());
  };
  // A touch counts when it ends.
  for (const act of ['pointerdown', 'pointerup', 'keydown'])
    addEventListener(act, wake, { signal: done.signal });
  return () => done.abort();
}

export function chime(): void {
  if (!isSoundOn()) return;
  const wished = performance.now();
  context ??= new AudioContext();
  const sounding = context;
  void sounding.resume().then(() => {
    if (performance.now() - wished < lateMs) play(sounding);
  });
}

function play(sounding: AudioContext): void {
  const { currentTime, destination } = sounding;
  for (const [at, hertz] of [
    [0, 659],
    [0.22, 880],
  ] as const) {
    const [tone, volume] = [sounding.createOscillator(), sounding.createGain()];
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.25, currentTime + at + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, currentTime + at + 0.9);
    tone.connect(volume).connect(destination);
    tone.start(currentTime + at);
    tone.stop(currentTime + at + 1);
  }
}
