import { whenParentLeaves } from '@tutti/kit/service';
import { measureAged } from './aged.ts';
import { compare } from './compare.ts';
import { Endings } from './endings.ts';
import { lines } from './line/lines.ts';
import { measureWaitingRoom } from './line/measure.ts';
import { readOptions, usage, type Options } from './options.ts';
import { soak } from './soak.ts';

const complain = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<void> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const endings = new Endings();
  // What fails because this process leaves is not worth a word.
  const say = (line: string): void => {
    if (!endings.isOver) complain(line);
  };
  const leave = (code: number) => {
    void endings.endAll(complain).then(() => process.exit(code));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => leave(130));
  whenParentLeaves(() => leave(1));
  try {
    if (options.aged !== null) process.exitCode = await measureAged(options.aged, options, endings, say);
    else if (options.soak !== null) process.exitCode = await soak(options.soak, options, endings, say);
    else if (options.waitingRoom) process.exitCode = await measureWaitingRoom(lines, options, endings, say);
    else process.exitCode = await compare(options, endings, say);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    await endings.endAll(complain);
  }
}

await main();
