export { saga, type Known, type Saga, type Step } from './definition.ts';
export {
  advance,
  freshState,
  resumedState,
  timedOut,
  type Direction,
  type Encode,
  type Ending,
  type Event,
  type Outcome,
  type Refusal,
  type SagaState,
  type Send,
  type Transition,
} from './transition.ts';
export {
  answerQueue,
  commandQueue,
  replyQueue,
  startQueue,
  type Answer,
  type AnswerMessage,
  type CommandMessage,
  type ReplyMessage,
  type StartMessage,
} from './messages.ts';
export { SagaStore, type OpenRow, type RowWrite, type SagasOfOthers } from './store.ts';
export type { Operation } from './operations.ts';
export { Runner, type RunnerOptions } from './runner.ts';
export { timeline, type StepStatus, type StepView } from './timeline.ts';

/** The orchestrator's own tables. */
export const sagaMigrations = { name: 'saga', folder: new URL('./migrations/', import.meta.url) };
