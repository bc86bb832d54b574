import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * A key that nobody set: made once, kept in `folder` readable by its owner alone, the same ever after. Two processes that
 * make it at once get the same one: the file appears whole, by link, or not at all.
 */
export async function keptSecret(
  folder: string,
  name: string,
  make = () => randomBytes(32).toString('base64url'),
): Promise<{ path: string; value: string; isNew: boolean }> {
  const file = path.join(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    return { path: file, value: (await readFile(file, 'utf8')).trim(), isNew: false };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${make()}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const isNew = await link(draft, file).then(
    () => true,
    () => false,
  );
  await rm(draft);
  return { path: file, value: (await readFile(file, 'utf8')).trim(), isNew };
}
