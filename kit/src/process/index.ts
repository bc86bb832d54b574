export { type Answer, type Routes } from './health-server.ts';
export {
  runProcess,
  runProcessOffBus,
  type ConnectedContext,
  type ProcessContext,
  type RunningService,
} from './shell.ts';
