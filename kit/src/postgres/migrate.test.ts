import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testDatabase, type TestDatabase } from '../testing/index.ts';
import { migrate, type MigrationSet } from './index.ts';

let folder: string;
let place: TestDatabase;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-migrations-'));
  place = await testDatabase();
});
afterEach(async () => {
  await place.drop();
  await rm(folder, { recursive: true, force: true });
});

const set = (name = 'things'): MigrationSet => ({ name, folder: pathToFileURL(`${folder}/`) });
const write = (file: string, sql: string) => writeFile(path.join(folder, file), sql);
const columns = () =>
  place.database.query(
    `select column_name as name from information_schema.columns where table_name = 'thing' order by ordinal_position`,
  );

test('files are applied once, in the order of their numbers, and later ones when they come', async () => {
  await write('002_more.sql', 'alter table thing add column more int');
  await write('001_thing.sql', 'create table thing (id int)');
  expect(await migrate(place.database, [set()])).toBe(2);
  expect(await migrate(place.database, [set()])).toBe(0);
  await write('003_most.sql', 'alter table thing add column most int');
  expect(await migrate(place.database, [set()])).toBe(1);
  expect(await columns()).toEqual([{ name: 'id' }, { name: 'more' }, { name: 'most' }]);
});

test('processes that start together migrate once', async () => {
  await write('001_thing.sql', 'create table thing (id int)');
  const counts = await Promise.all([1, 2, 3, 4].map(() => migrate(place.database, [set()])));
  expect(counts.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 1]);
});

test('a file that was changed after it was applied is an error that names it', async () => {
  await write('001_thing.sql', 'create table thing (id int)');
  await migrate(place.database, [set()]);
  await write('001_thing.sql', 'create table thing (id bigint)');
  await expect(migrate(place.database, [set()])).rejects.toThrow(
    'things/001_thing was changed after it was applied',
  );
});

test('of a folder with a broken file nothing is applied', async () => {
  await write('001_thing.sql', 'create table thing (id int)');
  await write('002_broken.sql', 'alter table nothing add column more int');
  await expect(migrate(place.database, [set()])).rejects.toThrow('nothing');
  expect(await columns()).toEqual([]);
});
