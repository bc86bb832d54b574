export { saga, type Known, type Saga, type Step } from './definition.ts';
export {
  advance,
  freshState,
  resumedState,
  timedOut,
  type Direction,
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
  isCommand,
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
export { Runner } from './runner.ts';
export type { Encode, RunnerOptions } from './runner-options.ts';
export { timeline, type StepStatus, type StepView } from './timeline.ts';

/** The orchestrator's own tables. */
export const sagaMigrations = { name: 'saga', folder: new URL('./migrations/', import.meta.url) };
