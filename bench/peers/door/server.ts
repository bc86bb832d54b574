import type { Connection, Queryable } from '@tutti/kit/postgres';
import { createLog, LogFile, whenParentLeaves, type Log } from '@tutti/kit/service';
import { readFileSync } from 'node:fs';
import { openDoor, type Flows } from './door.ts';
import type { Run } from './statements.ts';

/** What the bench writes into the file that a peer's server is started with. */
export type PeerConfig = {
  readonly databases: Readonly<Record<string, Connection>>;
  readonly partnerUrl: string;
  readonly partnerSecret: string;
  readonly accessTokenKey: string;
  readonly holdSeconds: number;
  readonly logFile: string;
  /** What else the peer is told, by name. */
  readonly settings: Readonly<Record<string, string>>;
};

export type Peer = { readonly flows: Flows; stop(): Promise<void> };

/** The life of a peer's server: reads its configuration, opens, says `listening <port>`, stops in order. */
export async function serve(open: (config: PeerConfig, log: Log) => Promise<Peer>): Promise<void> {
  // Written by the bench that starts us; nobody else does.
  const config: PeerConfig = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
  const complain = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const output = new LogFile(config.logFile, complain);
  const log = createLog('info', output);
  const peer = await open(config, log);
  const door = await openDoor(peer.flows, { accessTokenKey: config.accessTokenKey, log });
  let stopping = false;
  const leave = () => {
    if (stopping) return;
    stopping = true;
    void (async () => {
      await door.close();
      await peer.stop();
      await output.close();
    })().then(
      () => process.exit(0),
      (error: unknown) => {
        complain(String(error));
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, leave);
  whenParentLeaves(leave);
  process.stdout.write(`listening ${door.port}\n`);
}

/** The connection of that name; throws when the bench did not give it. */
export function databaseOf({ databases }: PeerConfig, name: string): Connection {
  const connection = databases[name];
  if (!connection) throw new Error(`The configuration names no database ${name}.`);
  return connection;
}

/** A statement runner over a pool or a transaction of the product's own PostgreSQL client. */
export const runOn =
  (queryable: Queryable): Run =>
  (text, values, name) =>
    queryable.query(text, values, name);
