import { makeTables } from '../../peers/door/tables.ts';
import type { System } from '../system.ts';
import { ensurePeerInstalled, installedVersion } from './installed.ts';
import { startPeer } from './peer-server.ts';

export const dbos: System = {
  name: 'dbos',
  title: 'DBOS Transact, tuned pools',
  versions: async () => [await installedVersion('dbos', '@dbos-inc/dbos-sdk')],
  prepare: (say) => ensurePeerInstalled('dbos', say),
  start: (surroundings) =>
    startPeer(
      {
        file: 'bench/peers/dbos/main.ts',
        databases: { user: 'user', concert: 'concert', payment: 'payment', partner: 'concert' },
        more: ['dbos_system'],
        makeTables: async (connection) => {
          await makeTables(connection('user'), ['user']);
          await makeTables(connection('concert'), ['concert']);
          await makeTables(connection('payment'), ['payment']);
        },
        // Tried from 6 and 2 to 28 and 8: with more connections PostgreSQL spends more on each workflow.
        settings: { pool: '4', systemPool: '10' },
        unfinished: {
          database: 'dbos_system',
          sql: `select count(*) as open from dbos.workflow_status where status not in ('SUCCESS', 'ERROR', 'CANCELLED')`,
        },
      },
      surroundings,
    ),
};
