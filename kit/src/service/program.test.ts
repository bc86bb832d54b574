import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { until } from '../testing/index.ts';
import { ConfigurationError, ensureProgram, freePort, startProgram } from './index.ts';

test('free ports are each another, and none that an outgoing connection may be given', async () => {
  const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
  expect(new Set(ports).size).toBe(ports.length);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  const [port = 0] = ports;
  await new Promise<void>((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => server.close(() => done()));
  });
});

test.runIf(process.platform === 'linux')(
  'a port that another process was given is its own until that ends, also while nobody listens there',
  async () => {
    const few = { from: 31_990, to: 32_000 };
    const takesAll = `
      import { freePort } from ${JSON.stringify(new URL('./program.ts', import.meta.url))};
      const taking = async () => { for (;;) await freePort(${JSON.stringify(few)}); };
      await taking().catch((error) => console.log(error.message));
      setInterval(() => {}, 60_000);`;
    let said = '';
    const onOutput = (text: string) => {
      said += text;
    };
    const other = startProgram(process.execPath, ['--input-type=module', '--eval', takesAll], { onOutput });
    try {
      await until('it has taken all', () => said === 'There is no free port.\n', 30_000);
      await expect(freePort(few)).rejects.toThrow('There is no free port.');
    } finally {
      await other.stop('SIGKILL');
    }
  },
);

test('a program that nobody has is asked for in a sentence', async () => {
  process.env['NO_INSTALL'] = '1';
  const asking = ensureProgram({ program: 'no-such-program', debianPackage: 'no-such-package' }, () => {});
  await expect(asking).rejects.toThrow(ConfigurationError);
  await expect(asking).rejects.toThrow('apt-get install no-such-package');
  delete process.env['NO_INSTALL'];
});

test('what a program said last is kept, and it ends when it is told to', async () => {
  const running = startProgram('/bin/sh', ['-c', 'echo here; exec sleep 60']);
  await running.stop();
  expect(await running.ended).toMatchObject({ signal: 'SIGTERM' });
  const failing = startProgram('/bin/sh', ['-c', 'echo why; exit 3']);
  expect(await failing.ended).toMatchObject({ code: 3, output: 'why\n' });
});
