-- A clock that the test sets, found before PostgreSQL's own (search_path): by it a model and the database decide at the
-- same moment.
create schema clock;

create function clock.now() returns timestamptz language sql stable as $$
  select 'epoch'::timestamptz + current_setting('tutti.now')::bigint * interval '1 millisecond'
$$;

create function clock.clock_timestamp() returns timestamptz language sql volatile as $$ select clock.now() $$;
