export { rpcClient, type RpcClient, type RpcClientOptions } from './client.ts';
export { RpcError } from './failures.ts';
export type { Calls, Handlers, RunningCall } from './methods.ts';
export { withinDeadline, withinTrace } from './scope.ts';
export { RpcServer, type RpcServerOptions } from './server.ts';
