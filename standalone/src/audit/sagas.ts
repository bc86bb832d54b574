import { effectsBelongToSagas } from './effects.ts';
import { rowsThat, type Invariant } from './invariant.ts';
import { journalsMatchSagas, undosMatchFailures } from './journals.ts';

const graceSeconds = 10;

const endedOnce: Invariant = {
  number: 7,
  kind: 'Q',
  title: 'every saga has one outcome; what succeeded left all its effects, what failed none',
  needs: ['no open saga'],
  check: async ({ snapshots }) => [
    ...(await rowsThat(
      snapshots.orchestrator,
      'A saga and its answer do not agree',
      `select s.name || ' ' || s.id || ' ' || s.status || ' answered ' || coalesce(s.answer_status::text, 'nothing') ||
              coalesce(' at ' || s.ended_at, ' and has no end')
       from saga s
       where s.ended_at is null or s.answer is null or s.answer_status is null
          or (s.status = 'succeeded') <> (s.answer_status < 400)`,
    )),
    ...(await rowsThat(
      snapshots.orchestrator,
      'A key of a fan has more than one saga',
      `select s.fan || ' ' || s.route || ' ' || s.key || ': ' || string_agg(s.id::text, ', ' order by s.id)
       from saga s group by s.fan, s.route, s.key having count(*) > 1`,
    )),
    ...(await effectsBelongToSagas(snapshots)),
    ...(await journalsMatchSagas(snapshots)),
  ],
};

const endedInTime: Invariant = {
  number: 8,
  kind: 'T',
  title: `no saga is open ${graceSeconds} s after its deadline`,
  needs: [],
  check: ({ snapshots: { orchestrator } }) =>
    rowsThat(
      orchestrator,
      'A saga should have ended',
      // Nobody can end a saga while the database is down.
      `select s.name || ' ' || s.id || ' of ' || s.fan || ' is ' || s.status || ', its deadline was ' || s.deadline_at
       from saga s
       where s.status in ('running', 'compensating')
         and greatest(s.deadline_at, pg_postmaster_start_time()) < now() - interval '${graceSeconds} seconds'`,
    ),
};

const undone: Invariant = {
  number: 8,
  kind: 'Q',
  title: 'what a failed saga had done was undone, and nothing else was',
  needs: ['no open saga'],
  check: ({ snapshots }) => undosMatchFailures(snapshots),
};

export const sagaInvariants = [endedOnce, endedInTime, undone];
