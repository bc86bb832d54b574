import { useQueries, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useId } from 'react';
import { Link, useSearchParams } from 'wouter';
import { concertsQuery, performancesQuery } from '../api/queries.ts';
import type { Concert, Performance } from '../api/wire.ts';
import { useLanguage } from '../language.tsx';
import { Failure, Placeholder } from '../parts/notice.tsx';
import { Poster } from '../parts/poster.tsx';
import { SaleState } from '../parts/sale-state.tsx';
import { Screen } from '../screen.tsx';
import { addressOf, everything, filters, isWanted, wantedOf, type Filter, type Wanted } from '../wanted.ts';

export function Season() {
  const { t } = useLanguage();
  const { data: concerts, error, refetch } = useQuery(concertsQuery);
  const [address, setAddress] = useSearchParams();
  const wanted = wantedOf(address);
  const want = (more: Partial<Wanted>): void =>
    setAddress(addressOf({ ...wanted, ...more }), { replace: true });
  // The words may lag behind the keys; what was found may not lag behind the concerts.
  const words = useDeferredValue(wanted.words);
  const found = (concerts ?? []).filter((one) => isWanted(one, { ...wanted, words }));
  return (
    <Screen title={t.season.title} className="season">
      <p className="lead">{t.season.lead}</p>
      <search className="finder">
        <Search value={wanted.words} onChange={(typed) => want({ words: typed })} />
        <Filters value={wanted.filter} onChange={(filter) => want({ filter })} />
        <Venues concerts={concerts ?? []} value={wanted.venue} onChange={(venue) => want({ venue })} />
      </search>
      <p className="hidden" role="status">
        {concerts ? t.season.found(found.length) : ''}
      </p>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {concerts && found.length === 0 && (
        <div className="empty">
          <p>{t.season.none}</p>
          <button type="button" className="button button-quiet" onClick={() => want(everything)}>
            {t.season.clear}
          </button>
        </div>
      )}
      {!concerts && !error && <Placeholder className="placeholder-posters" />}
      <Posters concerts={found} />
    </Screen>
  );
}

function Posters({ concerts }: { readonly concerts: readonly Concert[] }) {
  const dates = useQueries({ queries: concerts.map(({ concertId }) => performancesQuery(concertId)) });
  return (
    <ul className="posters">
      {concerts.map((concert, index) => (
        <li key={concert.concertId}>
          <ConcertCard concert={concert} performances={dates[index]?.data} />
        </li>
      ))}
    </ul>
  );
}

type CardProps = { readonly concert: Concert; readonly performances: readonly Performance[] | undefined };

function ConcertCard({ concert, performances }: CardProps) {
  const { t, language, format } = useLanguage();
  const { title, artist, venue } = concert.translations[language];
  const { min, max } = concert.priceRange;
  const [first, last] = [performances?.at(0), performances?.at(-1)];
  return (
    <Link className="card" href={`/concerts/${concert.concertId}`}>
      <Poster concertId={concert.concertId}>
        <div className={`poster-type ${title.length > 16 ? 'poster-type-long' : ''}`}>
          <p>{artist}</p>
          <h2>{title}</h2>
        </div>
      </Poster>
      <div className="card-facts">
        <p className="card-when number">
          {first && last ? datesOf(format.shortDate, first.startsAt, last.startsAt) : '\u00a0'}
        </p>
        <p className="soft">{venue}</p>
        <p className="card-price number">{t.season.range(t.points(min), t.points(max))}</p>
        <SaleState concert={concert} performances={performances} />
      </div>
    </Link>
  );
}

function datesOf(format: (iso: string) => string, first: string, last: string): string {
  const [from, to] = [format(first), format(last)];
  return from === to ? from : `${from} – ${to}`;
}

function Search({ value, onChange }: { readonly value: string; readonly onChange: (text: string) => void }) {
  const { t } = useLanguage();
  return (
    <label className="finder-search">
      <span className="hidden">{t.season.search}</span>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="8.5" cy="8.5" r="6" />
        <path d="m13 13 5 5" />
      </svg>
      <input
        type="search"
        value={value}
        placeholder={t.season.search}
        maxLength={100}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

function Filters({
  value,
  onChange,
}: {
  readonly value: Filter;
  readonly onChange: (filter: Filter) => void;
}) {
  const { t } = useLanguage();
  return (
    <fieldset className="segments">
      <legend className="hidden">{t.season.filter}</legend>
      {filters.map((filter) => (
        <label key={filter} className="segment">
          <input type="radio" name="filter" checked={value === filter} onChange={() => onChange(filter)} />
          <span>{t.season[filter]}</span>
        </label>
      ))}
    </fieldset>
  );
}

type VenuesProps = {
  readonly concerts: readonly Concert[];
  readonly value: string;
  readonly onChange: (venue: string) => void;
};

function Venues({ concerts, value, onChange }: VenuesProps) {
  const { t, language } = useLanguage();
  const id = useId();
  const names = new Map(concerts.map(({ venue, translations }) => [venue, translations[language].venue]));
  return (
    <div className="finder-venue">
      <label className="hidden" htmlFor={id}>
        {t.season.venue}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{t.season.nights}</option>
        {[...names].map(([venue, name]) => (
          <option key={venue} value={venue}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
