import path from 'node:path';
import { makeTables } from '../../peers/door/tables.ts';
import type { System } from '../system.ts';
import { ensurePeerInstalled, installedVersion } from './installed.ts';
import { startPeer } from './peer-server.ts';

const restateWith = (name: string, title: string, partitions: number): System => ({
  name,
  title,
  versions: async () => [
    await installedVersion('restate', '@restatedev/restate-server'),
    await installedVersion('restate', '@restatedev/restate-sdk'),
  ],
  prepare: (say) => ensurePeerInstalled('restate', say),
  start: (surroundings) =>
    startPeer(
      {
        file: 'bench/peers/restate/main.ts',
        databases: { user: 'user', concert: 'concert', payment: 'payment', partner: 'concert' },
        makeTables: async (connection) => {
          await makeTables(connection('user'), ['user']);
          await makeTables(connection('concert'), ['concert']);
          await makeTables(connection('payment'), ['payment']);
        },
        settings: {
          pool: '16',
          partitions: String(partitions),
          folder: path.join(surroundings.folder, 'restate'),
        },
      },
      surroundings,
    ),
});

const partitionsByDefault = 24;
// 1, 2 and 4 were tried on two cores: each partition costs, and one core's worth of work needs no second.
const partitionsTuned = 1;

export const restate = restateWith(
  'restate',
  `Restate, its default ${partitionsByDefault} partitions`,
  partitionsByDefault,
);
export const restateTuned = restateWith(
  'restate-tuned',
  `Restate, ${partitionsTuned} partition`,
  partitionsTuned,
);
