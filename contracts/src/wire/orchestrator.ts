import {
  OperationStatus,
  StepStatus,
  type Operation as WireOperation,
  type Step,
} from '../generated/tutti/orchestrator/v1/orchestrator_pb.ts';
import type { Operation, OperationStep } from '../queries.ts';
import { words } from './words.ts';

export { OrchestratorService } from '../generated/tutti/orchestrator/v1/orchestrator_pb.ts';

const operationStates = words({
  running: OperationStatus.RUNNING,
  compensating: OperationStatus.COMPENSATING,
  succeeded: OperationStatus.SUCCEEDED,
  failed: OperationStatus.FAILED,
} satisfies Record<Operation['status'], OperationStatus>);

const stepStates = words({
  pending: StepStatus.PENDING,
  running: StepStatus.RUNNING,
  ok: StepStatus.OK,
  refused: StepStatus.REFUSED,
  undone: StepStatus.UNDONE,
} satisfies Record<OperationStep['status'], StepStatus>);

export const operationToWire = ({ id, saga, status, code, steps }: Operation) => ({
  id,
  saga,
  status: operationStates.toWire(status),
  code: code ?? undefined,
  steps: steps.map(stepToWire),
});

const stepToWire = ({ name, service, status, attempts, startedAt, endedAt }: OperationStep) => ({
  name,
  service,
  status: stepStates.toWire(status),
  attempts,
  startedAt: startedAt ?? undefined,
  endedAt: endedAt ?? undefined,
});

export const operationFromWire = ({ id, saga, status, code, steps }: WireOperation): Operation => ({
  id,
  saga,
  status: operationStates.fromWire(status),
  code: code ?? null,
  steps: steps.map(stepFromWire),
});

const stepFromWire = ({ name, service, status, attempts, startedAt, endedAt }: Step): OperationStep => ({
  name,
  service,
  status: stepStates.fromWire(status),
  attempts,
  startedAt: startedAt ?? null,
  endedAt: endedAt ?? null,
});
