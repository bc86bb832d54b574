export { gate, until } from './conditions.ts';
export { testDatabase, type TestDatabase } from './test-database.ts';
