export { type Answer, type Routes } from './health-server.ts';
export { runProcess, type ProcessContext, type RunningService } from './shell.ts';
