import { createContext, use, useCallback, useState, type ReactNode } from 'react';

type Announce = (sentence: string) => void;
const Announcing = createContext<Announce>(() => {});

/** One polite live region for the whole page: a region that comes together with its text is often not read. */
export function Announcer({ children }: { readonly children: ReactNode }) {
  const [said, setSaid] = useState({ sentence: '', count: 0 });
  // The same sentence twice has to be two changes.
  const announce = useCallback<Announce>(
    (sentence) => setSaid(({ count }) => ({ sentence, count: count + 1 })),
    [],
  );
  return (
    <Announcing value={announce}>
      {children}
      <div className="hidden" aria-live="polite" role="status">
        <span key={said.count}>{said.sentence}</span>
      </div>
    </Announcing>
  );
}

export const useAnnounce = (): Announce => use(Announcing);
