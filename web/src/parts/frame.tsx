import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useFan } from '../fan.tsx';
import { useLanguage } from '../language.tsx';
import { Notice } from './notice.tsx';

export function Head() {
  const { t, language, speak } = useLanguage();
  const { fan, askToSignIn } = useFan();
  const leaving = useLeaving();
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
            <button
              type="button"
              className="head-link"
              aria-disabled={leaving.isBusy}
              onClick={leaving.leave}
            >
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
      {leaving.hasFailed && (
        <Notice tone="wrong" what={t.nav.stillIn[0]} todo={t.nav.stillIn[1]} isAlert>
          <button type="button" className="button button-quiet" onClick={leaving.leave}>
            {t.retry}
          </button>
        </Notice>
      )}
    </>
  );
}

/** Who believes to be signed out, and is not, leaves their seats and points to the next at this device. */
function useLeaving() {
  const { fan, leave } = useFan();
  const [isBusy, setBusy] = useState(false);
  const [failed, setFailed] = useState<typeof fan>(null);
  return {
    isBusy,
    /** The session that could not be ended is the one that still is. */
    hasFailed: fan !== null && failed === fan,
    leave: () => {
      if (isBusy) return;
      setBusy(true);
      leave()
        .catch(() => setFailed(fan))
        .finally(() => setBusy(false));
    },
  };
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
