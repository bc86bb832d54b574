export { ConfigurationError, Environment } from './config.ts';
export { createLog, type Log } from './log.ts';
export { whenParentLeaves } from './parent.ts';
export { keptSecret } from './secret.ts';
export { signedTokens, type SignedTokens } from './signed-token.ts';
export { uuidv7 } from './uuid.ts';
