import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

// The law of the house: who may import whom, and which words the ground floor has never heard.
const root = path.resolve(import.meta.dirname, '../..');

function filesBelow(folder: string, endings: readonly string[]): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(name, endings);
    return endings.some((ending) => entry.name.endsWith(ending)) ? [name] : [];
  });
}

const importsOf = (file: string): string[] =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].flatMap(
    ([, from]) => from ?? [],
  );

/** The rooms of ours that a file reaches, by package name or by leaving its own room. */
function roomsReached(file: string, room: string): string[] {
  return importsOf(file).flatMap((from) => {
    const named = /^@tutti\/([a-z-]+)/.exec(from)?.[1];
    if (named !== undefined) return [named];
    if (!from.startsWith('.')) return [];
    const target = path.relative(root, path.resolve(root, path.dirname(file), from));
    return target.startsWith(`${room}${path.sep}`) ? [] : [`outside: ${target}`];
  });
}

const services = readdirSync(path.join(root, 'services'));
const laws: readonly { room: string; may: readonly string[] }[] = [
  { room: 'contracts', may: ['contracts'] },
  { room: 'kit', may: ['kit'] },
  { room: 'web/src', may: ['contracts'] },
  ...services.map((name) => ({ room: `services/${name}`, may: ['kit', 'contracts', name] })),
];

describe('import law', () => {
  test.each(laws)('$room imports nothing of ours but $may', ({ room, may }) => {
    // What runs in a browser; a test beside it may look at what it is told about.
    const isSource = (file: string) => room !== 'web/src' || !file.endsWith('.test.ts');
    const files = filesBelow(room, ['.ts', '.tsx']).filter(isSource);
    const broken = files.flatMap((file) =>
      roomsReached(file, room)
        .filter((reached) => !may.includes(reached))
        .map((reached) => `${file} imports ${reached}`),
    );
    expect(broken).toEqual([]);
  });

  test('every package that a room imports is listed in its own package.json', () => {
    const rooms = [
      'contracts',
      'kit',
      'standalone',
      'cluster',
      'web',
      ...services.map((name) => `services/${name}`),
    ];
    const missing = rooms.flatMap((room) => {
      const listed: unknown = JSON.parse(readFileSync(path.join(root, room, 'package.json'), 'utf8'));
      const names = JSON.stringify(listed);
      return filesBelow(room, ['.ts', '.tsx'])
        .filter((file) => !/\.test\.ts$|[\\/](test|testing)[\\/]/.test(file))
        .flatMap((file) =>
          importsOf(file)
            .filter((from) => !from.startsWith('.') && !from.startsWith('node:'))
            .map((from) =>
              from
                .split('/')
                .slice(0, from.startsWith('@') ? 2 : 1)
                .join('/'),
            )
            .filter((name) => !names.includes(`"${name}"`))
            .map((name) => `${file}: ${name}`),
        );
    });
    expect(missing).toEqual([]);
  });

  test('the kit has never heard of a concert', () => {
    const words = /\b(concert|seat|payment|reservation|wallet)s?\b/i;
    const broken = filesBelow('kit', ['.ts', '.sql']).flatMap((file) =>
      readFileSync(path.join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (words.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(broken).toEqual([]);
  });
});

describe('files', () => {
  // What a program wrote is read by nobody: stubs are as long as their protos make them.
  const sources = ['contracts', 'kit', 'services', 'standalone', 'cluster', 'web', 'test', 'scripts']
    .flatMap((folder) => filesBelow(folder, ['.ts', '.tsx', '.mjs', '.css']))
    .filter((file) => !file.startsWith(path.join('web', 'dist')))
    .filter((file) => !file.includes(`${path.sep}generated${path.sep}`));

  test('a person can hold each of them in the head', () => {
    const lengthMax = (file: string) => (/test|fixture/.test(file) ? 450 : 420);
    const long = sources.filter(
      (file) => readFileSync(path.join(root, file), 'utf8').split('\n').length > lengthMax(file),
    );
    expect(long).toEqual([]);
  });

  test('none is called utils, helpers, common, shared, misc, manager or impl', () => {
    const banned = /(^|[-/])(utils?|helpers?|common|shared|misc|.*manager|.*impl)(\.|\/)/i;
    expect(sources.filter((file) => banned.test(file))).toEqual([]);
  });

  test('every path that a document names exists', () => {
    const documents = [
      ...filesBelow('docs', ['.md']),
      ...readdirSync(root).filter((name) => name.endsWith('.md')),
    ];
    const missing = documents.flatMap((document) =>
      [...readFileSync(path.join(root, document), 'utf8').matchAll(/`([a-z.][\w.-]*(?:\/[\w.-]+)+\/?)`/g)]
        .flatMap(([, named]) => named ?? [])
        .filter((named) =>
          /^(contracts|kit|services|standalone|cluster|test|scripts|docs|venues|seasons|bench|deploy|web|\.ci)\//.test(
            named,
          ),
        )
        .filter((named) => !statSync(path.join(root, named), { throwIfNoEntry: false }))
        .map((named) => `${document}: ${named}`),
    );
    expect(missing).toEqual([]);
  });
});
