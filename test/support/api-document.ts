import * as z from 'zod';
import { request } from './client.ts';

/** A JSON schema as this document uses them. */
export type Schema = {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Schema | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly const?: unknown;
  readonly format?: string | undefined;
  readonly pattern?: string | undefined;
  readonly minLength?: number | undefined;
  readonly minItems?: number | undefined;
  readonly minimum?: number | undefined;
};

const schema: z.ZodType<Schema> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    properties: z.record(z.string(), schema).optional(),
    required: z.array(z.string()).optional(),
    items: schema.optional(),
    anyOf: z.array(schema).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    format: z.string().optional(),
    pattern: z.string().optional(),
    minLength: z.number().optional(),
    minItems: z.number().optional(),
    minimum: z.number().optional(),
  }),
);
const media = z.record(z.string(), z.strictObject({ schema }));
const parameter = z.strictObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean(),
  schema,
  description: z.string().optional(),
  example: z.unknown().optional(),
});
const header = z.strictObject({ schema, description: z.string() });
const answer = z.strictObject({
  description: z.string(),
  content: media.optional(),
  headers: z.record(z.string(), header).optional(),
});
const operation = z.strictObject({
  summary: z.string(),
  tags: z.array(z.string()).length(1),
  parameters: z.array(parameter).default([]),
  requestBody: z.strictObject({ required: z.literal(true), content: media }).optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), answer),
});

/** Strict where we use OpenAPI 3.1: a word that it does not know, or that we have not used so far, is refused. */
export const apiDocument = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[A-Z][A-Za-z]*$/), schema),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.enum(['http', 'apiKey']) })),
  }),
  paths: z.record(z.string(), z.record(z.enum(['get', 'put', 'post', 'delete']), operation.optional())),
});
export type ApiDocument = z.output<typeof apiDocument>;
export type Operation = z.output<typeof operation>;

/** One method of one address. */
export type Route = { readonly method: string; readonly path: string; readonly operation: Operation };

export async function readDocument(address: string): Promise<ApiDocument> {
  return apiDocument.parse((await request(address, 'GET', '/api/v1/openapi.json')).body);
}

export const routesOf = ({ paths }: ApiDocument): Route[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, one]) =>
      one ? [{ method: method.toUpperCase(), path, operation: one }] : [],
    ),
  );

export const nameOf = ({ method, path }: Route): string => `${method} ${path}`;

export const isProtected = ({ operation: { security } }: Route): boolean => security !== undefined;

export const isEffect = ({ operation: { parameters } }: Route): boolean =>
  parameters.some(({ name }) => name === 'Idempotency-Key');

export const bodyOf = ({ operation: { requestBody } }: Route): Schema | undefined =>
  requestBody?.content['application/json']?.schema;

/** The names in the path, in order. */
export const pathNames = ({ path }: Route): string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);

/** The address with each name filled in as it is, without encoding. */
export const fill = ({ path }: Route, value: (name: string) => string): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => value(name));

/** A value that the schema takes. */
export function exampleOf(given: Schema): unknown {
  const [type = 'object'] = [given.type].flat();
  if (given.enum) return given.enum[0];
  if (given.anyOf?.[0]) return exampleOf(given.anyOf[0]);
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(given.properties ?? {}).map(([name, one]) => [name, exampleOf(one)]),
      );
    case 'array':
      return Array.from({ length: given.minItems ?? 1 }, () => exampleOf(given.items ?? {}));
    case 'integer':
    case 'number':
      return given.minimum ?? 0;
    case 'boolean':
      return false;
    case 'string':
      return formats[given.format ?? ''] ?? 'a'.repeat(given.minLength ?? 1);
    default:
      throw new Error(`There is no example for the type ${type}.`);
  }
}

const formats: Readonly<Record<string, string>> = {
  email: 'someone@fans.example',
  uuid: '0198f2c0-0000-7000-8000-000000000000',
  'date-time': '2030-01-01T00:00:00Z',
};
