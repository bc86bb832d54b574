import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useFan } from '../fan.tsx';
import { useLanguage } from '../language.tsx';

export function Head() {
  const { t, language, speak } = useLanguage();
  const { fan, askToSignIn, leave } = useFan();
  const other = language === 'ko' ? 'en' : 'ko';
  return (
    <>
      <a className="skip" href="#main">
        {t.skip}
      </a>
      <header className="head">
        <Link className="head-name" href="/">
          tutti
        </Link>
        <nav className="head-links" aria-label={t.nav.main}>
          <HeadLink href="/" text={t.nav.season} />
          <HeadLink href="/tickets" text={t.nav.tickets} />
          <HeadLink href="/points" text={t.nav.points} />
          {fan ? (
            <button type="button" className="head-link" onClick={() => void leave()}>
              {t.nav.signOut}
            </button>
          ) : (
            <button type="button" className="head-link" onClick={() => void askToSignIn()}>
              {t.nav.signIn}
            </button>
          )}
        </nav>
        <button type="button" className="head-link head-language" lang={other} onClick={() => speak(other)}>
          {t.otherLanguage}
        </button>
      </header>
      <Connection />
    </>
  );
}

function HeadLink({ href, text }: { readonly href: string; readonly text: string }) {
  const [location] = useLocation();
  return (
    <Link className="head-link" href={href} aria-current={location === href ? 'page' : undefined}>
      {text}
    </Link>
  );
}

/** Says so when the connection is away; it takes no room otherwise, and covers nothing. */
function Connection() {
  const { t } = useLanguage();
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const told = new AbortController();
    addEventListener('online', () => setOnline(true), { signal: told.signal });
    addEventListener('offline', () => setOnline(false), { signal: told.signal });
    return () => told.abort();
  }, []);
  return (
    <div role="status" className="connection">
      {isOnline ? null : <p>{t.offline}</p>}
    </div>
  );
}

export function Foot() {
  const { t } = useLanguage();
  return (
    <footer className="foot">
      <p>{t.footer}</p>
      <p>tutti</p>
    </footer>
  );
}
