import { Link } from 'wouter';
import { useLanguage } from '../language.tsx';
import { Screen } from '../screen.tsx';

export function Missing() {
  const { t } = useLanguage();
  return (
    <Screen title={t.missing.title} className="plain">
      <p className="lead">{t.missing.text}</p>
      <Link className="button" href="/">
        {t.missing.action}
      </Link>
    </Screen>
  );
}
