import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');

/** The folder of the app as `npm start` builds it: at once when it is that of these sources. */
export async function builtApp(): Promise<string> {
  const { WEB_DIR: _, ...env } = process.env;
  await promisify(execFile)(process.execPath, ['scripts/run.mjs', '--web', 'vite', '--version'], {
    cwd: root,
    env,
  });
  return path.join(root, 'web/dist');
}
