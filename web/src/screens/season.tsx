import { useQuery } from '@tanstack/react-query';
import { concertsQuery } from '../api/queries.ts';
import { useLanguage } from '../language.tsx';
import { Screen } from '../screen.tsx';

export function Season() {
  const { t, language } = useLanguage();
  const { data } = useQuery(concertsQuery);
  return (
    <Screen title={t.season.title}>
      <ul>
        {data?.map(({ concertId, translations }) => (
          <li key={concertId}>{translations[language].title}</li>
        ))}
      </ul>
    </Screen>
  );
}
