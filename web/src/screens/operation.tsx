import { useQuery } from '@tanstack/react-query';
import { useParams } from 'wouter';
import { operationQuery } from '../api/queries.ts';
import type { Fan } from '../api/session.ts';
import type { Operation as OperationBody } from '../api/wire.ts';
import { useFan } from '../fan.tsx';
import { useLanguage } from '../language.tsx';
import { Failure, Notice, Placeholder } from '../parts/notice.tsx';
import { SignInHere } from '../parts/sign-in-here.tsx';
import { Screen } from '../screen.tsx';

/** What became of a wish, step by step, for one who wants to know why. */
export function Operation() {
  const { operationId = '' } = useParams<{ operationId: string }>();
  const { t } = useLanguage();
  const { fan } = useFan();
  return (
    <Screen title={t.operation.title} className="plain">
      {fan ? <Told fan={fan} operationId={operationId} /> : <SignInHere text={t.operation.signIn} />}
    </Screen>
  );
}

function Told({ fan, operationId }: { readonly fan: Fan; readonly operationId: string }) {
  const { data, error, refetch } = useQuery(operationQuery(fan.userId, operationId));
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  return data ? <Timeline operation={data} /> : <Placeholder className="placeholder-entries" />;
}

const tones = { running: 'plain', compensating: 'warn', succeeded: 'good', failed: 'wrong' } as const;

function Timeline({ operation }: { readonly operation: OperationBody }) {
  const { t, format } = useLanguage();
  const { saga, status, code, steps, operationId } = operation;
  const said = code === undefined ? undefined : t.refusals[code];
  return (
    <>
      <h2>{t.operation.sagas[saga] ?? saga}</h2>
      <Notice tone={tones[status]} what={t.operation.statuses[status]} todo={said?.join(' ')} />
      <ol className="timeline">
        {steps.map((step) => (
          <li key={step.name} className={`timeline-step step-${step.status}`}>
            <p>{t.operation.steps[step.name] ?? step.name}</p>
            <p className="soft">
              {t.operation.states[step.status]}
              {step.endedAt !== null && <span className="number"> · {format.seconds(step.endedAt)}</span>}
            </p>
          </li>
        ))}
      </ol>
      <p className="soft">
        {t.operation.reference} <code>{operationId}</code>
      </p>
    </>
  );
}
