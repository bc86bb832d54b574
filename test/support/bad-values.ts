import { exampleOf, type Schema } from './api-document.ts';

/** Fields that only the system sets; a client that sends one is told so. */
const notTheClients: Readonly<Record<string, unknown>> = {
  amount: 1,
  balance: 1,
  createdAt: 0,
  expiresAt: '2030-01-01T00:00:00Z',
  id: 'i',
  isAdmin: true,
  price: 1,
  reservationId: 'r',
  role: 'promoter',
  status: 'paid',
  userId: 'u',
  version: 1,
  $where: '1',
  'a/b~c': 1,
  toString: 1,
};

const notJson = [
  ['{', '}', '{"a":}', '{a:1}', "{'a':1}", '{"a":1,}', '{"a":1}{"b":2}', '{"a":01}', '[1', '"', '\\'],
  ['NaN', 'undefined', '{"a":NaN}', '{"a":Infinity}', '<xml/>', 'a=b&c=d'],
  ['\u0000', '{"a":"\u0001"}', '{"a":"\\x00"}'],
  ['['.repeat(8_000), '{"a":'.repeat(3_000), `${'['.repeat(7_000)}${']'.repeat(7_000)}`],
].flat();

const poison = [
  '{"__proto__":{"role":"promoter"}}',
  '{"__proto__":null}',
  '{"\\u005f_proto__":{}}',
  '{"a":{"__proto__":{}}}',
  '{"constructor":{"prototype":{"role":"promoter"}}}',
  '{"prototype":{}}',
  '{"hasOwnProperty":1}',
  '{"then":1}',
];

const json = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value));
const long = 'x'.repeat(10_000);
const unprintable = json(['a\u0000b', '\u0000', 'line\nbreak', '\u001b[31m', '\u007f', '\u0085']);
const halfPairs = ['"\\ud800"', '"a\\udfffb"'];
const notText = json([null, 1, true, [], {}, ['a'], { a: 'a' }]);

/** JSON texts of values that the schema does not take. */
function wrongValues(schema: Schema): string[] {
  const [type = 'object'] = [schema.type].flat();
  if (schema.enum) return json(['scheduled', 'OPEN', '', '__proto__', null, 1, true, [], {}]);
  switch (type) {
    case 'string':
      return [...notText, ...json(['', long]), ...unprintable, ...halfPairs, ...json(wrongTexts(schema))];
    case 'integer':
      return [
        // Nought is wrong where the least is one.
        schema.minimum === 0 ? [] : ['0', '-0'],
        json([null, '1', '', true, [1], {}, -1, 0.5, -0.5, 1.000001, 10_000_001, 2 ** 53, 1e308]),
        ['1e999', '-1e999', '1e-5', '9007199254740993', '99999999999999999999999999', '"NaN"', '"1e3"'],
      ].flat();
    case 'boolean':
      return json([null, 'true', 1, 0, '', [], {}]);
    case 'array':
      return wrongLists(String(exampleOf(schema.items ?? {})));
    default:
      throw new Error(`Nobody has said what is wrong for ${type}.`);
  }
}

function wrongLists(item: string): string[] {
  const many = (count: number) => Array.from({ length: count }, (_, n) => `${item}-${n}`);
  const odd = [null, 1, true, {}, [item], '', '..', "'", '좌석', '*', '>', 'S 1', 'S-1\u0000', long];
  return json([
    null,
    item,
    1,
    {},
    [],
    many(7),
    many(200),
    [item, item],
    [item, 'b', item],
    ...odd.map((one) => [one]),
  ]);
}

function wrongTexts({ format, pattern }: Schema): string[] {
  if (format === 'email')
    return [
      'nobody',
      '@',
      'a@b',
      'a b@c.example',
      'a@b.example, c@d.example',
      `${'x'.repeat(300)}@c.example`,
      'ａ@b.c',
    ];
  if (format === 'date-time')
    return [
      ['yesterday', '2030-01-01', '2030-01-01T00:00:00', '2030-02-30T00:00:00Z', '2030-01-01T25:00:00Z'],
      ['0000-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '+010000-01-01T00:00:00Z'],
      [`2030-01-01T00:00:00.${'0'.repeat(5_000)}Z`],
    ].flat();
  const isName = pattern?.includes('A-Za-z0-9') ?? false;
  return isName ? ['..', "'", 'a b', '한글', '*', '>', 'a/b', 'a.b', 'x'.repeat(65)] : [];
}

const objectOf = (fields: Readonly<Record<string, string>>): string =>
  `{${Object.entries(fields)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    .join()}}`;

const extras = (good: Readonly<Record<string, string>>): string[] =>
  Object.entries(notTheClients)
    .filter(([name]) => !Object.hasOwn(good, name))
    .map(([name, value]) => objectOf({ ...good, [name]: JSON.stringify(value) }));

const wholes = ['[]', '[{}]', '[null]', '"text"', '1', 'true', 'false', '{"a":{"a":{"a":1}}}'];

/** Bodies that a route with this schema must refuse with 400, or a route that takes none. */
export function badBodies(schema: Schema | undefined): string[] {
  if (!schema) return [...wholes, ...notJson, ...poison, ...extras({})];
  const properties = Object.entries(schema.properties ?? {});
  const good = Object.fromEntries(properties.map(([name, one]) => [name, JSON.stringify(exampleOf(one))]));
  const without = (name: string) =>
    Object.fromEntries(Object.entries(good).filter(([field]) => field !== name));
  return [
    [...wholes, ...notJson, ...poison, 'null', '', `[${objectOf(good)}]`, `{"body":${objectOf(good)}}`],
    (schema.required ?? []).map((name) => objectOf(without(name))),
    properties.flatMap(([name, one]) =>
      wrongValues(one).map((value) => objectOf({ ...good, [name]: value })),
    ),
    poison.map((one) => `${objectOf(good).slice(0, -1)},${one.slice(1)}`),
    extras(good),
  ].flat();
}

export const wrongTypes = [
  [
    'text/plain',
    'text/html',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ],
  ['application/jsonx', 'application/octet-stream', 'json', '*/*', '', "'"],
].flat();

const uuid = '0198f2c0-0000-7000-8000-000000000000';

/** Parts of a path as they go on the wire. */
export const badParts = [
  [
    '..',
    '.',
    '%2e%2e',
    '..%2f..%2fetc%2fpasswd',
    '%00',
    'a%00b',
    '%0a',
    '%0d%0aX-Injected:%201',
    "'",
    '%22',
    '*',
    '%3E',
  ],
  [
    '%27%20or%20%271%27=%271',
    '%27;drop%20table%20seat;--',
    '%ED%95%9C%EA%B8%80',
    '%F0%9F%8E%AB',
    '%ff',
    '%zz',
    '%',
  ],
  [
    '%c0%ae',
    'a%20b',
    '__proto__',
    '%24%7B7*7%7D',
    '0',
    '-1',
    '1e3',
    'NaN',
    'null',
    'undefined',
    'constructor',
  ],
  [
    uuid.slice(1),
    `${uuid}0`,
    `{${uuid}}`,
    `urn:uuid:${uuid}`,
    uuid.replaceAll('-', ''),
    uuid.replace('7', '0'),
  ],
  ['x'.repeat(10_000)],
].flat();

/** Query texts that a parameter of this name must refuse with 400. */
export function badQueries(name: string): string[] {
  const values: Record<string, string[]> = {
    limit: [
      '0',
      '101',
      '-1',
      '1.5',
      'abc',
      '',
      'NaN',
      'Infinity',
      '1e9',
      '%00',
      "'",
      '9'.repeat(400),
      '1%20or%201=1',
    ],
    cursor: ['', '%00', "'", '%F0%9F%8E%AB', 'a'.repeat(4_000), 'e30', '../..', '%ff'],
    sequence: ['', '-1', '1.5', 'abc', '1e3', '%00', "'", '9'.repeat(400)],
    version: ['', '-1', '1.5', 'abc', '1e3', '%00', "'", '9'.repeat(400)],
    together: ['', '0', '7', '-1', '1.5', 'two', '%00', "'", '11'],
    grade: ['', '%00', 'a'.repeat(200)],
    near: ['', ',', 'S-1,', "'", '%00', 'S-1,S-1,S-1,S-1,S-1,S-1,S-1', 'S%201'],
    status: ['', 'sold', '%00', "'", 'AVAILABLE', '__proto__'],
  };
  const wrong = values[name];
  if (!wrong) throw new Error(`Nobody has said what is wrong for the query parameter ${name}.`);
  return [...wrong.map((value) => `${name}=${value}`), `${name}=1&${name}=2`];
}
