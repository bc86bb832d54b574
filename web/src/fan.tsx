import { useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  use,
  useCallback,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import { currentFan, signOut, watchFan, type Fan } from './api/session.ts';
import { SignInDialog } from './parts/sign-in.tsx';

type FanState = {
  readonly fan: Fan | null;
  /** The sign-in is open over the screen: the screen itself shows none then. */
  readonly isAsking: boolean;
  /** Opens the sign-in where the fan is; resolves with whether there is a fan now. */
  readonly askToSignIn: () => Promise<boolean>;
  /** Signs out; rejects when the server could not be told, and the fan is still signed in then. */
  readonly leave: () => Promise<void>;
};

const Known = createContext<FanState | null>(null);

export function FanProvider({ children }: { readonly children: ReactNode }) {
  const queries = useQueryClient();
  const fan = useSyncExternalStore(watchFan, currentFan);
  const [isAsking, setAsking] = useState(false);
  const waiting = useRef<((isSignedIn: boolean) => void)[]>([]);

  const askToSignIn = useCallback(() => {
    if (currentFan()) return Promise.resolve(true);
    setAsking(true);
    return new Promise<boolean>((resolve) => waiting.current.push(resolve));
  }, []);
  const close = useCallback(() => {
    setAsking(false);
    for (const resolve of waiting.current.splice(0)) resolve(currentFan() !== null);
  }, []);
  const leave = useCallback(async () => {
    await signOut();
    queries.removeQueries({ queryKey: ['fan'] });
  }, [queries]);

  const state = useMemo(() => ({ fan, isAsking, askToSignIn, leave }), [fan, isAsking, askToSignIn, leave]);
  return (
    <Known value={state}>
      {children}
      {isAsking && <SignInDialog onClose={close} />}
    </Known>
  );
}

export function useFan(): FanState {
  const state = use(Known);
  if (!state) throw new Error('useFan needs a FanProvider');
  return state;
}
