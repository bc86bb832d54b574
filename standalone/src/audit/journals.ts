import type { Saga, Step } from '@tutti/kit/saga';
import { sagas as definitions } from '@tutti/orchestrator';
import { Findings, type Snapshots, type Violation } from './invariant.ts';
import { byId, sideBySide } from './side-by-side.ts';

// The journals tell what each service did for each saga; the definitions tell what it should have done.

const participants = ['concert', 'payment', 'partner'] as const;
type Participant = (typeof participants)[number];

type SagaRow = {
  id: string;
  definition: string;
  status: 'running' | 'compensating' | 'succeeded' | 'failed';
};
/** `did`: what stands in a saga's rows, as `step do ok`, `step undo ok`, `step do refused`. */
type JournalRow = { id: string; did: string[] };

const nameOf = ({ name, version }: Saga): string => `${name}/${version}`;

/** The effects that a saga has in a service. */
const stepsIn = (saga: Saga, service: Participant): Step[] =>
  saga.steps.filter(({ kind, command }) => kind === 'effect' && command.startsWith(`${service}.`));

const didSql = `select saga as id,
  array_agg(step || ' ' || direction || case when ok then ' ok' else ' refused' end) as did from journal`;

/** Part of invariant 7: a saga that succeeded did all of its steps, one that failed left nothing done. */
export async function journalsMatchSagas({ orchestrator, ...others }: Snapshots): Promise<Violation[]> {
  const findings = new Findings();
  for (const service of participants) {
    const steps = new Map(definitions.map((saga) => [nameOf(saga), stepsIn(saga, service)]));
    const sagas = byId<SagaRow>(
      orchestrator,
      `select id, name || '/' || version as definition, status from saga`,
    );
    const journal = byId<JournalRow>(others[service], `${didSql} group by saga`);
    for await (const { id, left, right } of sideBySide(sagas, journal)) {
      if (!left)
        findings.add(`The ${service} journal has rows of no saga`, `${id}: ${right?.did.join(', ')}`);
      // What another build defined is for that build's auditor to judge.
      else
        for (const step of steps.get(left.definition) ?? [])
          judge(left, step, right?.did ?? [], findings, service);
    }
  }
  return findings.violations;
}

function judge(saga: SagaRow, step: Step, did: readonly string[], findings: Findings, service: string): void {
  const row = `${saga.definition} ${saga.id}, step ${step.name}`;
  const isDone = did.includes(`${step.name} do ok`);
  const isUndone = step.undo !== undefined && did.includes(`${step.name} undo ok`);
  if (saga.status === 'succeeded' && !isDone)
    findings.add(`A saga succeeded without a step in the ${service} journal`, row);
  if (saga.status === 'failed' && isDone && !isUndone)
    findings.add(`A saga failed and a step of it stands in the ${service} journal`, row);
}

/** Part of invariant 8: what was done before the pivot of a saga that failed was undone, and nothing else was. */
export async function undosMatchFailures({ orchestrator, ...others }: Snapshots): Promise<Violation[]> {
  const findings = new Findings();
  for (const service of participants) {
    const undoable = definitions.flatMap((saga) =>
      stepsIn(saga, service).flatMap(({ name, undo }) => (undo ? `('${nameOf(saga)}', '${name}')` : [])),
    );
    if (undoable.length > 0) {
      const failed = byId<{ id: string; steps: string[] }>(
        orchestrator,
        `select s.id, array_agg(u.step) as steps from saga s
         join (values ${undoable.join(', ')}) as u(definition, step) on u.definition = s.name || '/' || s.version
         where s.status = 'failed' group by s.id`,
      );
      const done = byId<JournalRow>(others[service], `${didSql} group by saga`);
      for await (const { id, left, right } of sideBySide(failed, done))
        for (const step of left?.steps ?? [])
          if (right?.did.includes(`${step} do ok`) && !right.did.includes(`${step} undo ok`))
            findings.add(
              `A step of a failed saga was done and never undone in the ${service} journal`,
              `${id} ${step}`,
            );
    }
    const turned = byId<SagaRow>(
      orchestrator,
      `select id, name || '/' || version as definition, status from saga where status = 'failed'`,
    );
    const undone = byId<JournalRow>(others[service], `${didSql} where direction = 'undo' group by saga`);
    for await (const { id, left, right } of sideBySide(turned, undone)) {
      if (right && !left)
        findings.add(
          `The ${service} service undid for a saga that did not fail`,
          `${id}: ${right.did.join(', ')}`,
        );
      if (right?.did.some((row) => row.endsWith('refused')))
        findings.add(`The ${service} service refused an undo`, id);
    }
  }
  return findings.violations;
}
