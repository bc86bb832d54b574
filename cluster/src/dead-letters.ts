import { deadLettersAt } from '@tutti/kit/jetstream';
import type { DeadLetter } from '@tutti/kit/messaging';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';

const usage = `npm run dead-letters [-- --json] [-- --replay QUEUE]
  Lists what no service could digest, oldest first: queue, when it was set aside, why, and the message.
  --replay QUEUE   puts those of one queue back on it (mend the cause before)
  --json           one JSON object a line
  Where: NATS_URL, or the cluster that runs on DATA_DIR (./data).`;

/** A mistake of the person who asks, in a sentence. */
class Mistake extends Error {}

async function main(): Promise<void> {
  const { json, replay } = readArguments();
  const servers = await natsUrl();
  await deadLettersAt({ servers, name: 'dead-letters' }, async (deadLetters) => {
    if (replay !== undefined) {
      const count = await deadLetters.replay(replay);
      say(`${count} put back on ${replay}.`);
      return;
    }
    const letters = await deadLetters.list();
    for (const letter of letters) say(json ? JSON.stringify(letter) : sayLetter(letter));
    if (!json) say(letters.length === 0 ? 'There are none.' : `${letters.length} in all.`);
  });
}

function readArguments(): { json: boolean; replay: string | undefined } {
  try {
    const { values } = parseArgs({ options: { json: { type: 'boolean' }, replay: { type: 'string' } } });
    return { json: values.json ?? false, replay: values.replay };
  } catch (error) {
    throw new Mistake(`${error instanceof Error ? error.message : String(error)}\n${usage}`, {
      cause: error,
    });
  }
}

async function natsUrl(): Promise<string> {
  const named = process.env['NATS_URL'];
  if (named) return named;
  const dataDir = path.resolve(process.env['DATA_DIR'] || './data');
  const file = path.join(dataDir, 'cluster.json');
  if (!existsSync(file))
    throw new Mistake(
      `There is no cluster on ${dataDir}: set DATA_DIR or NATS_URL, or run \`npm run cluster\` first.`,
    );
  const told: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (typeof told === 'object' && told !== null && 'natsUrl' in told) return String(told.natsUrl);
  throw new Mistake(`${file} does not say where NATS is.`);
}

const sayLetter = ({ queue, message, reason, at }: DeadLetter): string =>
  `${new Date(at).toISOString()}  ${queue}\n  ${reason}\n  ${JSON.stringify(message)}`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main();
} catch (error) {
  const sentence = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    error instanceof Mistake ? `${sentence}\n` : `Dead letters could not be read: ${sentence}\n`,
  );
  process.exitCode = 1;
}
