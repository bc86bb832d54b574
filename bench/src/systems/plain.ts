import { readFile } from 'node:fs/promises';
import { answerTable } from '../../peers/door/answers.ts';
import { makeTables } from '../../peers/door/tables.ts';
import type { Store, System } from '../system.ts';
import { startPeer } from './peer-server.ts';

const inOne = (database: string): Record<Store, string> => ({
  user: database,
  concert: database,
  payment: database,
  partner: database,
});

// Tried from 6 to 32 on two cores: 6 are too few, and from 12 on it makes no difference that could be told from noise.
const pool = '20';

export const monolith: System = {
  name: 'monolith',
  title: 'plain monolith, a transaction per request',
  versions: () => Promise.resolve([]),
  start: (surroundings) =>
    startPeer(
      {
        file: 'bench/peers/monolith/main.ts',
        databases: inOne('monolith'),
        makeTables: (connection) =>
          makeTables(connection('monolith'), ['user', 'concert', 'payment', 'delivery'], answerTable),
        settings: { pool },
      },
      surroundings,
    ),
};

export const threeDatabases: System = {
  name: 'three-databases',
  title: 'the same statements over three databases, no saga',
  versions: () => Promise.resolve([]),
  start: (surroundings) =>
    startPeer(
      {
        file: 'bench/peers/three-databases/main.ts',
        databases: { user: 'user', concert: 'concert', payment: 'payment', partner: 'concert' },
        makeTables: async (connection) => {
          await makeTables(connection('user'), ['user']);
          await makeTables(connection('concert'), ['concert', 'delivery'], answerTable);
          await makeTables(connection('payment'), ['payment']);
        },
        // Three pools of them have to fit into the server's connections.
        settings: { pool: '14' },
      },
      surroundings,
    ),
};

export const limit: System = {
  name: 'limit',
  title: 'the limit: each flow one batched statement on one database, no saga',
  versions: () => Promise.resolve([]),
  start: (surroundings) =>
    startPeer(
      {
        file: 'bench/peers/limit/main.ts',
        databases: inOne('limit'),
        makeTables: async (connection) => {
          const functions = await readFile(new URL('../../peers/limit/limit.sql', import.meta.url), 'utf8');
          const tables = ['user', 'concert', 'payment', 'delivery'] as const;
          await makeTables(connection('limit'), tables, `${answerTable};\n${functions}`);
        },
        settings: { inFlight: '1' },
      },
      surroundings,
    ),
};
