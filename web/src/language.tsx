import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react';
import { formatsOf, type Formats } from './formats.ts';
import { languages, messages, type Language, type Messages } from './messages/index.ts';

type Speaking = {
  readonly language: Language;
  readonly t: Messages;
  readonly format: Formats;
  readonly speak: (language: Language) => void;
};

const stored = 'tutti.language';
const Spoken = createContext<Speaking | null>(null);

const isLanguage = (text: string | null): text is Language => languages.some((one) => one === text);

function firstLanguage(): Language {
  const chosen = localStorage.getItem(stored);
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.some((tag) => tag.startsWith('ko')) ? 'ko' : 'en';
}

export function LanguageProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const speaking = useMemo(
    () => ({
      language,
      t: messages[language],
      format: formatsOf(language),
      speak: (next: Language) => {
        localStorage.setItem(stored, next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <Spoken value={speaking}>{children}</Spoken>;
}

export function useLanguage(): Speaking {
  const speaking = use(Spoken);
  if (!speaking) throw new Error('useLanguage needs a LanguageProvider');
  return speaking;
}
