import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { builtApp } from './built-app.ts';

const web = path.resolve(import.meta.dirname, '..');
const kB = 1_000;

describe('what a browser loads', () => {
  let files: Map<string, Buffer>;
  beforeAll(async () => {
    const folder = await builtApp();
    const names = await readdir(folder, { recursive: true });
    const read = async (name: string): Promise<[string, Buffer]> => [
      name,
      await readFile(path.join(folder, name)),
    ];
    files = new Map(await Promise.all(names.filter((name) => path.extname(name) !== '').map(read)));
  });

  const named = (ending: string) => [...files].filter(([name]) => name.endsWith(ending));

  test('is at most 200 kB of JavaScript, compressed, all pages together', () => {
    const bytes = named('.js').reduce((sum, [, content]) => sum + gzipSync(content).length, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(200 * kB);
  });

  test('has no schema library in it, and nothing that is for servers', () => {
    for (const [, content] of named('.js'))
      expect(content.toString()).not.toMatch(/ZodType|ZodError|protobuf/);
  });

  test('has nothing inline: the page’s policy forbids it', () => {
    const [html = ''] = named('.html').map(([, content]) => content.toString());
    expect(html).toContain('<script type="module"');
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|data:/);
  });
});

describe('the sources', () => {
  test('name a colour in the tokens alone', async () => {
    const src = path.join(web, 'src');
    const names = (await readdir(src, { recursive: true })).filter((name) => /\.(css|tsx?)$/.test(name));
    const raw = /#[0-9a-f]{3,8}\b|\b(rgba?|hsla?|oklch)\(/i;
    const coloured = await Promise.all(
      names
        .filter(
          (name) => name !== 'tokens.css' && !name.endsWith('.test.ts') && !name.startsWith('seat-map/'),
        )
        .map(async (name) => (raw.test(await readFile(path.join(src, name), 'utf8')) ? [name] : [])),
    );
    expect(coloured.flat()).toEqual([]);
  });
});
