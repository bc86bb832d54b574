import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';

// Files that a promoter writes by hand. Whoever reads the faults has never seen this program: each is a sentence that
// says where it is (file, line, place) and what to write instead, and all of a file come at once.

export type Translated = { readonly en: string; readonly ko: string };

type Path = readonly PropertyKey[];

export type Parsed<T> = {
  /** What the file says, when it has no faults. */
  readonly value?: T;
  readonly faults: readonly string[];
  /** The file as it stands, faults or not. */
  readonly raw: unknown;
  /** A fault that only shows beside another file, told like the others. */
  readonly faultAt: (path: Path, message: string) => string;
};

/** Reads one YAML file by its schema; `file` is its name in the sentences. */
export function parsePromoterFile<T>(text: string, file: string, schema: z.ZodType<T>): Parsed<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faultAt = (path: Path, message: string): string =>
    `${file}, line ${lineOf(document, lines, path)}${place(document, path)}: ${message}`;
  const [broken] = document.errors;
  if (broken) {
    // The first only: what a parser says after it lost its way is about the parser.
    const why = broken.message.split('\n')[0]?.slice(0, 120);
    const fault = `${file}, line ${lines.linePos(broken.pos[0]).line}: this is not YAML: ${why}.`;
    return { faults: [fault], raw: undefined, faultAt };
  }
  const raw: unknown = document.toJS();
  const read = schema.safeParse(raw);
  if (read.success) return { value: read.data, faults: [], raw, faultAt };
  const faults = read.error.issues.map((issue) =>
    // An unknown word is reported on the object around it; its own line is more useful.
    faultAt(
      issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path,
      issue.message,
    ),
  );
  return { faults: [...new Set(faults)], raw, faultAt };
}

/** Where the path leads, or as far as it leads: what is missing has no line. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** ` (sections › BL › rows)`: things in a list are called by their own code or id, which people know them by. */
function place(document: Document, path: Path): string {
  const words = path.map((key, depth) => {
    if (typeof key !== 'number') return String(key);
    const here = path.slice(0, depth + 1);
    const name = document.getIn([...here, 'code']) ?? document.getIn([...here, 'id']);
    return typeof name === 'string' ? name : `number ${key + 1}`;
  });
  return words.length === 0 ? '' : ` (${words.join(' › ')})`;
}

/** An object with exactly these words; `example` shows one. */
export function words<Shape extends z.ZodRawShape>(shape: Shape, example: string) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `"${issue.keys.join('", "')}" is not a word that is known here; known are ${known}.`
        : `Write ${example}.`,
  });
}

/** Short names that stand in addresses and never change. */
export const slug = (example: string) =>
  z.string({ error: `Write a short name such as ${example}.` }).regex(/^[a-z0-9-]{1,64}$/, {
    error: `Write a short name of at most 64 small letters, digits and hyphens, such as ${example}.`,
  });

export const line = (example: string) =>
  z
    .string({ error: `Write a text such as ${example}.` })
    .trim()
    .min(1, { error: `Write a text such as ${example}.` })
    .max(200, { error: 'Write at most 200 characters.' });

type Range = { readonly from: number; readonly to: number; readonly example: string };

/** `what` is said in plural: metres, degrees, seats. */
export function numberOf(what: string, { from, to, example }: Range) {
  const error = `Write ${what} as a number from ${from} to ${to}, for example ${example}.`;
  return z.number({ error }).min(from, { error }).max(to, { error });
}

export function wholeNumberOf(what: string, { from, to, example }: Range) {
  const error = `Write ${what} as a whole number from ${from} to ${to} without separators, for example ${example}.`;
  return z.int({ error }).min(from, { error }).max(to, { error });
}

export const translated = (en: string, ko: string) =>
  words({ en: line(en), ko: line(ko) }, `it in both languages: { en: ${en}, ko: ${ko} }`);

/** A sentence for every value that stands a second time. */
export function repeated(values: readonly string[]): { index: number; value: string }[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [{ index, value }] : []));
}
