import { describe, expect, test } from 'vitest';
import { saga, type Saga } from './definition.ts';
import {
  advance,
  freshState,
  resumedState,
  type Event,
  type Outcome,
  type SagaState,
  type Send,
  type Transition,
} from './transition.ts';

// A saga with one step of each kind; what its steps do means nothing here.
const command = <K extends 'reads' | 'effect'>(name: string, kind: K) => ({ name, kind });
const trip: Saga = saga<{ who: string }>({ name: 'trip', version: 1, deadlineMs: 10_000 })
  .read('look', command('a.look', 'reads'), ({ input }) => ({ who: input.who }))
  .step('first', command('b.first', 'effect'), () => ({}), {
    undo: command('b.undo-first', 'effect'),
    with: () => ({}),
  })
  .step('second', command('c.second', 'effect'), () => ({}), {
    undo: command('c.undo-second', 'effect'),
    with: () => ({}),
  })
  .pivot('pivot', command('d.pivot', 'effect'), () => ({}))
  .step('left', command('e.left', 'effect'), () => ({}))
  .step('right', command('f.right', 'effect'), () => ({}))
  .reply(({ input }) => ({ done: input.who }));

const input = { who: 'Mina' };
const ok = (value: unknown = {}): Outcome => ({ ok: value });
const refused = (code: string): Outcome => ({ refused: { code, data: {} } });
const reply = (step: string, outcome: Outcome, direction: 'do' | 'undo' | 'settle' = 'do'): Event => ({
  kind: 'reply',
  step,
  direction,
  outcome,
});
const begin: Event = { kind: 'begin' };
const tick: Event = { kind: 'tick', random: 0.5 };
const turned: Event = { kind: 'turned' };

type At = { event: Event; now: number };
const at = (now: number, event: Event): At => ({ event, now });

/** Runs events from a state; returns the last transition. Plain events happen at time 0. */
function when(state: SagaState, ...events: (Event | At)[]): Transition {
  let last: Transition = { state, send: [] };
  for (const one of events) {
    const { event, now } = 'event' in one ? one : at(0, one);
    last = advance(trip, input, last.state, event, now);
  }
  return last;
}
const given = (): SagaState => freshState(trip, 0);
const names = (sends: readonly Send[]): string[] =>
  sends.map(({ command, direction }) => `${direction} ${command}`);
const upToPivot = [begin, reply('look', ok()), reply('first', ok()), reply('second', ok())];

describe('forward', () => {
  test('a saga begins with its first step alone', () => {
    expect(names(when(given(), begin).send)).toEqual(['do a.look']);
  });

  test('each ok sends the next step, with the input its definition makes of what is known', () => {
    expect(when(given(), begin).send[0]?.body).toEqual({ who: 'Mina' });
    expect(names(when(given(), begin, reply('look', ok())).send)).toEqual(['do b.first']);
    expect(names(when(given(), ...upToPivot).send)).toEqual(['do d.pivot']);
  });

  test('the steps after the pivot are sent together and both precede the end', () => {
    const afterPivot = when(given(), ...upToPivot, reply('pivot', ok()));
    expect(names(afterPivot.send)).toEqual(['do e.left', 'do f.right']);
    const one = when(afterPivot.state, reply('right', ok()));
    expect(one.end).toBeUndefined();
    expect(one.send).toEqual([]);
    const both = when(one.state, reply('left', ok()));
    expect(both.end).toEqual({ status: 'succeeded', reply: { done: 'Mina' }, journaled: true });
  });

  test('a repeated reply, one of another step and one of another direction change nothing', () => {
    const state = when(given(), begin, reply('look', ok())).state;
    for (const stray of [
      reply('look', ok()),
      reply('second', ok()),
      reply('first', ok(), 'undo'),
      reply('nobody', ok()),
    ]) {
      const after = when(state, stray);
      expect(after.state).toBe(state);
      expect(after.send).toEqual([]);
    }
  });

  test('what is not answered is asked again, later each time', () => {
    const asked = when(given(), begin);
    expect(when(asked.state, at(900, tick)).send).toEqual([]);
    const again = when(asked.state, at(1_100, tick));
    expect(names(again.send)).toEqual(['do a.look']);
    expect(when(again.state, at(2_500, tick)).send).toEqual([]);
    expect(names(when(again.state, at(3_200, tick)).send)).toEqual(['do a.look']);
  });

  test('a reply to any attempt of what is open is accepted', () => {
    const asked = when(given(), begin, at(1_100, tick), at(3_200, tick));
    expect(names(when(asked.state, reply('look', ok())).send)).toEqual(['do b.first']);
  });

  test('a step after the pivot that refuses is asked again, not believed', () => {
    const afterPivot = when(given(), ...upToPivot, reply('pivot', ok()));
    const refusing = when(afterPivot.state, reply('left', refused('no')));
    expect(refusing.state).toBe(afterPivot.state);
    expect(names(when(refusing.state, at(1_100, tick)).send)).toEqual(['do e.left', 'do f.right']);
  });
});

describe('refusals', () => {
  test('a refused read with nothing done ends at once, to be told only after the row is stored', () => {
    expect(when(given(), begin, reply('look', refused('nobody'))).end).toEqual({
      status: 'failed',
      reason: { code: 'nobody', data: {} },
      undone: {},
      journaled: false,
    });
  });

  test('a refused first effect has nothing to undo, and is told only after the row is stored', () => {
    const ended = when(given(), begin, reply('look', ok()), reply('first', refused('taken')));
    // A driver that takes over may be refused at `look` by then, and would end for that reason.
    expect(ended.end).toMatchObject({ status: 'failed', reason: { code: 'taken' }, journaled: false });
    expect(ended.turn).toBeUndefined();
  });

  test('no undo leaves before the change of direction is committed', () => {
    const refusal = when(given(), ...upToPivot, reply('pivot', refused('too few')));
    expect(refusal.turn).toEqual({ code: 'too few', data: {} });
    expect(refusal.send).toEqual([]);
    expect(when(refusal.state, at(5_000, tick)).send).toEqual([]);
    expect(names(when(refusal.state, turned).send)).toEqual(['undo c.undo-second']);
  });

  test('undos run in reverse, one after the other, and bring their results to the end', () => {
    const back = when(given(), ...upToPivot, reply('pivot', refused('too few')), turned);
    const one = when(back.state, reply('second', ok({ at: 2 }), 'undo'));
    expect(names(one.send)).toEqual(['undo b.undo-first']);
    const both = when(one.state, reply('first', ok({ at: 1 }), 'undo'));
    expect(both.end).toEqual({
      status: 'failed',
      reason: { code: 'too few', data: {} },
      undone: { second: { at: 2 }, first: { at: 1 } },
      journaled: true,
    });
  });

  test('a refused step is not undone, only those before it', () => {
    const back = when(
      given(),
      begin,
      reply('look', ok()),
      reply('first', ok()),
      reply('second', refused('no')),
      turned,
    );
    expect(names(back.send)).toEqual(['undo b.undo-first']);
  });

  test('an undo that does not answer is asked for ever', () => {
    let state = when(given(), ...upToPivot, reply('pivot', refused('too few')), turned).state;
    for (let now = 100_000; now < 2_000_000; now += 100_000) {
      const again = when(state, at(now, tick));
      expect(names(again.send)).toEqual(['undo c.undo-second']);
      state = again.state;
    }
  });

  test('an undo cannot be refused: a participant that does is asked again', () => {
    const back = when(given(), ...upToPivot, reply('pivot', refused('too few')), turned);
    expect(when(back.state, reply('second', refused('no'), 'undo')).state).toBe(back.state);
  });
});

describe('deadlines', () => {
  const late = at(10_000, tick);

  test('a deadline never guesses: the pivot is settled first', () => {
    const settling = when(given(), ...upToPivot, late);
    expect(names(settling.send)).toEqual(['settle d.pivot']);
    expect(settling.turn).toBeUndefined();
  });

  test('a pivot that turns out done goes forward', () => {
    const settled = when(given(), ...upToPivot, late, reply('pivot', ok(), 'settle'));
    expect(names(settled.send)).toEqual(['do e.left', 'do f.right']);
  });

  test('a pivot that will never be done turns the saga round, timed out', () => {
    const settled = when(given(), ...upToPivot, late, reply('pivot', refused('timed_out'), 'settle'));
    expect(settled.turn).toEqual({ code: 'timed_out', data: {} });
  });

  test('a pivot that had been refused keeps its own reason', () => {
    const settled = when(given(), ...upToPivot, late, reply('pivot', refused('too few'), 'settle'));
    expect(settled.turn?.code).toBe('too few');
  });

  test('the undo of a step is owed from the moment it was sent, answered or not', () => {
    const stuck = when(
      given(),
      begin,
      reply('look', ok()),
      late,
      reply('pivot', refused('timed_out'), 'settle'),
      turned,
    );
    expect(names(stuck.send)).toEqual(['undo b.undo-first']);
  });

  test('past its pivot a saga has no deadline', () => {
    const afterPivot = when(given(), ...upToPivot, reply('pivot', ok()));
    expect(names(when(afterPivot.state, at(1_000_000, tick)).send)).toEqual(['do e.left', 'do f.right']);
  });

  test('a clock that was put back by an hour holds up neither a question nor a deadline', () => {
    const hour = 3_600_000;
    const ahead = when(given(), at(hour, begin), at(hour, reply('look', ok())));
    expect(names(when(ahead.state, at(1_000, tick)).send)).toEqual(['do b.first']);
    const late = resumedState(hour + 10_000, undefined);
    expect(names(when(when(late, at(hour, begin)).state, at(1_000, tick)).send)).toEqual(['settle d.pivot']);
  });

  test('settling is asked again until it is answered', () => {
    const settling = when(given(), ...upToPivot, late);
    expect(names(when(settling.state, at(12_000, tick)).send)).toEqual(['settle d.pivot']);
  });
});

describe('taken over from a driver that is gone', () => {
  test('it begins again from the start: the journals answer what was done', () => {
    expect(names(when(resumedState(10_000, undefined), begin).send)).toEqual(['do a.look']);
  });

  test('a read that is refused now counts as a deadline: the pivot may be done', () => {
    const settling = when(resumedState(10_000, undefined), begin, reply('look', refused('gone')));
    expect(names(settling.send)).toEqual(['settle d.pivot']);
  });

  test('when the pivot was done, the earlier results are collected without the read, and it goes forward', () => {
    const found = when(
      resumedState(10_000, undefined),
      begin,
      reply('look', refused('gone')),
      reply('pivot', ok(), 'settle'),
    );
    expect(names(found.send)).toEqual(['settle b.first', 'settle c.second']);
    const collected = when(found.state, reply('first', ok(), 'settle'), reply('second', ok(), 'settle'));
    expect(names(collected.send)).toEqual(['do e.left', 'do f.right']);
  });

  test('when it was not, everything that may have been sent is undone, for the reason of the read', () => {
    const turning = when(
      resumedState(10_000, undefined),
      begin,
      reply('look', refused('gone')),
      reply('pivot', refused('timed_out'), 'settle'),
    );
    expect(turning.turn?.code).toBe('gone');
    const back = when(turning.state, turned);
    expect(names(back.send)).toEqual(['undo c.undo-second']);
  });

  test('one that had turned goes on undoing, from the last step', () => {
    const back = when(resumedState(10_000, { code: 'too few', data: {} }), begin);
    expect(names(back.send)).toEqual(['undo c.undo-second']);
    const ended = when(back.state, reply('second', ok(), 'undo'), reply('first', ok(), 'undo'));
    expect(ended.end).toMatchObject({ status: 'failed', reason: { code: 'too few' } });
  });
});
