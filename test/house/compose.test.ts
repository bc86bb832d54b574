import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

// No container engine runs these tests; what compose.yaml names has to be what the processes ask for all the same.
const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
type Service = { command?: string[]; environment?: Record<string, string>; volumes?: string[] };
const { services }: { services: Record<string, Service> } = parse(read('compose.yaml'), { merge: true });
const ours = ['user', 'concert', 'payment', 'partner', 'orchestrator', 'waiting-room', 'gateway'];

describe.each(ours)('%s in compose.yaml', (name) => {
  const file = `services/${name}/src/process.ts`;

  test('runs its own process', () => {
    expect(services[name]?.command).toEqual(['node', file]);
  });

  test('is given everything that it cannot do without', () => {
    const source = `${read(file)}${read('kit/src/process/shell.ts')}`;
    // What is only asked needs no queue.
    const isOffBus = source.includes("runProcessOffBus('");
    const needed = [...source.matchAll(/(?:required|addresses)\('([A-Z_]+)'/g)].flatMap(([, one]) =>
      one === undefined || (isOffBus && one === 'NATS_URL') ? [] : one,
    );
    expect(needed.length).toBeGreaterThan(1);
    const given = Object.keys(services[name]?.environment ?? {});
    expect(needed.filter((one) => !given.includes(one))).toEqual([]);
  });
});

test('every password that it asks for stands in the example, without a value', () => {
  const asked = [...read('compose.yaml').matchAll(/\$\{([A-Z_]+):\?\}/g)].flatMap(([, one]) => one ?? []);
  const example = read('deploy/compose.env.example')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(example.toSorted()).toEqual([...new Set(asked)].toSorted().map((one) => `${one}=`));
});

test('the image has every folder that a process reads', () => {
  // The stages before it only bring packages and build the app.
  const image =
    read('Containerfile')
      .split(/^FROM /m)
      .at(-1) ?? '';
  const copied = [...image.matchAll(/^COPY ([a-z]+) [a-z]+$/gm)].flatMap(([, one]) => one ?? []);
  expect(copied.toSorted()).toEqual([
    'cluster',
    'contracts',
    'kit',
    'seasons',
    'services',
    'standalone',
    'venues',
  ]);
  const [, built = ''] = /^COPY --from=app (\S+)/m.exec(image) ?? [];
  expect(services['gateway']?.environment?.['WEB_DIR']).toBe(built);
});
