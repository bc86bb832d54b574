/** Two notes when it is the fan's turn. Browsers allow sound only after the fan did something: choosing it is that. */
const stored = 'tutti.sound';
let context: AudioContext | undefined;

export const isSoundOn = (): boolean => localStorage.getItem(stored) === 'on';

export function setSound(isOn: boolean): void {
  localStorage.setItem(stored, isOn ? 'on' : 'off');
  if (!isOn) return;
  context ??= new AudioContext();
  void context.resume();
  chime();
}

export function chime(): void {
  if (!isSoundOn()) return;
  context ??= new AudioContext();
  const { currentTime, destination } = context;
  for (const [at, hertz] of [
    [0, 659],
    [0.22, 880],
  ] as const) {
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.25, currentTime + at + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, currentTime + at + 0.9);
    tone.connect(volume).connect(destination);
    tone.start(currentTime + at);
    tone.stop(currentTime + at + 1);
  }
}
