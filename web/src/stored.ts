import { useCallback, useState } from 'react';

/** What this tab keeps across reloads: a list of names under a key. */
export function useStoredNames(key: string): [readonly string[], (names: readonly string[]) => void] {
  const [names, setNames] = useState(() => ({ key, names: readNames(key) }));
  const current = names.key === key ? names.names : readNames(key);
  const set = useCallback(
    (next: readonly string[]) => {
      if (next.length > 0) sessionStorage.setItem(key, JSON.stringify(next));
      else sessionStorage.removeItem(key);
      setNames({ key, names: next });
    },
    [key],
  );
  return [current, set];
}

function readNames(key: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
