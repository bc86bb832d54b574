import { Component, type ReactNode } from 'react';
import { useLanguage } from '../language.tsx';

type Props = { readonly children: ReactNode };

/** What a bug leaves to be seen: a page that says so and a way on, not an empty one. */
export class Boundary extends Component<Props, { readonly isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useLanguage();
  return (
    <main id="main" className="main">
      <h1>{t.broken.title}</h1>
      <p>{t.broken.text}</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        {t.broken.action}
      </button>
    </main>
  );
}
