import { useEffect, useRef, type ReactNode } from 'react';

type ScreenProps = {
  readonly title: string;
  /** What the window's title says when it is not the heading. */
  readonly windowTitle?: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly isTitleHidden?: boolean;
};

let isFirst = true;

/** The browser goes to where a page that is come back to was left; a new one is read from its top. */
let isComingBack = false;
addEventListener('popstate', () => (isComingBack = true));
// The router tells of a step forward in this way. A link within the page may have been a `popstate` before it.
addEventListener('pushState', () => (isComingBack = false));

/** A screen: its heading takes the focus when the fan comes to it, as a new page would be read from its top. */
export function Screen({ title, windowTitle, children, className = '', isTitleHidden = false }: ScreenProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${windowTitle ?? title} · tutti`;
  }, [title, windowTitle]);
  useEffect(() => {
    // The browser itself has just read a page that was loaded.
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
    if (!isComingBack) scrollTo(0, 0);
    isComingBack = false;
  }, []);
  return (
    <main id="main" className={`main ${className}`}>
      <h1 ref={heading} tabIndex={-1} className={isTitleHidden ? 'hidden' : 'screen-title'}>
        {title}
      </h1>
      {children}
    </main>
  );
}
