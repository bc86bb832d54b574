export { ConfigurationError, Environment } from './config.ts';
export {
  armCrashPoint,
  crashPoint,
  crashPoints,
  heldCrashPoint,
  parseCrashPoint,
  type CrashOrder,
  type CrashPoint,
} from './crash-point.ts';
export { createLog, type Log } from './log.ts';
export { LogFile } from './log-file.ts';
export { isOutOfReach, isServerAway, NotConnected } from './out-of-reach.ts';
export { whenParentLeaves } from './parent.ts';
export {
  accepts,
  ensureProgram,
  freePort,
  leaveWithUs,
  startProgram,
  type Program,
  type RunningProgram,
} from './program.ts';
export { keptSecret } from './secret.ts';
export { endlessTokens, signedTokens, type EndlessTokens, type SignedTokens } from './signed-token.ts';
export { steadyNow } from './steady-clock.ts';
export { randomId, uuidv7 } from './uuid.ts';
