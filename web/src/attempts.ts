import { useCallback, useEffect, useRef, useState } from 'react';
import {
  beginAttempt,
  openAttempt,
  settle,
  type Attempt,
  type Outcome,
  type Phase,
  type Wish,
} from './api/attempt.ts';
import { isRefusal } from './api/refusal.ts';
import { currentFan, forgetFan } from './api/session.ts';
import { useFan } from './fan.tsx';

type State = {
  readonly phase: Phase | 'idle';
  /** It was begun before this page was loaded: its outcome is being found out. */
  readonly isFound: boolean;
  readonly error: unknown;
};

type Attempts<T> = {
  readonly onDone: (outcome: Outcome<T>, attempt: Attempt) => void;
  readonly onRefused?: (error: unknown, attempt: Attempt) => void;
  readonly headers?: () => Readonly<Record<string, string>>;
  /** An open one waits until it is started again, instead of going on by itself. */
  readonly waitsForStart?: boolean;
};

const idle: State = { phase: 'idle', isFound: false, error: null };

/**
 * A fan's wish with at most one effect, as a screen sees it. One that is open when the screen appears goes on by itself; leaving
 * the screen lets go of it, and whoever comes back finds it again.
 */
export function useAttempt<T>(
  wish: Wish,
  { onDone, onRefused, headers, waitsForStart = false }: Attempts<T>,
) {
  const { fan, askToSignIn } = useFan();
  const [state, setState] = useState<State>(idle);
  const running = useRef<AbortController | null>(null);
  const hooks = useRef({ onDone, onRefused, headers });
  useEffect(() => {
    hooks.current = { onDone, onRefused, headers };
  });

  const run = useCallback(
    async (attempt: Attempt, isFound: boolean): Promise<void> => {
      if (running.current) return;
      const control = new AbortController();
      running.current = control;
      setState({ phase: 'asking', isFound, error: null });
      const tell = (phase: Phase) => setState((before) => ({ ...before, phase }));
      try {
        const told = hooks.current.headers?.() ?? {};
        const outcome = await settle<T>(attempt, told, tell, control.signal);
        setState(idle);
        hooks.current.onDone(outcome, attempt);
      } catch (error) {
        if (control.signal.aborted) return;
        setState({ phase: 'idle', isFound: false, error });
        // The attempt stays open: once the same fan is back, the effect below goes on with it.
        if (isRefusal(error, 'unauthenticated')) {
          forgetFan();
          void askToSignIn();
        } else hooks.current.onRefused?.(error, attempt);
      } finally {
        if (running.current === control) running.current = null;
      }
    },
    [askToSignIn],
  );

  useEffect(() => {
    const open = fan && openAttempt(fan.userId, wish);
    if (open && !waitsForStart) void run(open, true);
    return () => {
      if (!running.current) return;
      running.current.abort();
      running.current = null;
      // The next fan, or nobody, is not waiting for anything.
      setState(idle);
    };
  }, [wish, run, fan, waitsForStart]);

  const start = useCallback(
    async (path: string, body: object) => {
      if (!(await askToSignIn())) return;
      const signedIn = currentFan();
      if (signedIn) await run(beginAttempt(signedIn.userId, wish, path, body), false);
    },
    [run, wish, askToSignIn],
  );
  const clearError = useCallback(() => setState(idle), []);
  return {
    ...state,
    isBusy: state.phase !== 'idle',
    /** Its outcome is not known yet. */
    open: fan && openAttempt(fan.userId, wish),
    start,
    clearError,
  };
}
