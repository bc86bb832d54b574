import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { noteServerTime } from './clock.ts';
import { holds, keptAdmission } from './line.ts';

const kept = new Map<string, string>();
beforeEach(() => {
  kept.clear();
  vi.stubGlobal('localStorage', { getItem: (name: string) => kept.get(name) ?? null });
});
afterEach(() => void vi.unstubAllGlobals());

test('an admission holds until its time is over by the server’s clock, and is kept afterwards', () => {
  // An hour ahead of this device.
  const serverTime = Date.now() + 3_600_000;
  noteServerTime(new Date(serverTime).toUTCString());
  const endsIn = (seconds: number) => {
    const admission = {
      admissionToken: 'in',
      expiresAt: new Date(serverTime + seconds * 1_000).toISOString(),
    };
    kept.set('tutti.admission.mina.afterglow', JSON.stringify(admission));
    return keptAdmission('mina', 'afterglow');
  };
  const [open, over] = [endsIn(60), endsIn(-60)];
  expect([open && holds(open), over && holds(over)]).toEqual([true, false]);
  expect(over?.admissionToken).toBe('in');
});

test('what is kept is read with care', () => {
  for (const text of [
    '',
    'null',
    '{',
    '7',
    '{"admissionToken":"in"}',
    '{"expiresAt":"2027-01-01T00:00:00Z"}',
  ]) {
    kept.set('tutti.admission.mina.afterglow', text);
    expect(keptAdmission('mina', 'afterglow')).toBeNull();
  }
});
