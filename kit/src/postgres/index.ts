export {
  Database,
  isConflict,
  isDeterministic,
  repeatingConflicts,
  sqlState,
  type Connection,
  type DatabaseOptions,
  type Queryable,
  type Row,
} from './database.ts';
export { migrate, type MigrationSet } from './migrate.ts';
export { openDataDir } from './embedded/data-dir.ts';
export { AlreadyRunning, CannotStart, startEmbedded, type EmbeddedPostgres } from './embedded.ts';
