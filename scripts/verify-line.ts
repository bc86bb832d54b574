import {
  checkJoins,
  checkSeed,
  isRight,
  joinOf,
  placesOf,
  type Finding,
  type PublishedShuffle,
} from '@tutti/contracts/line';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';

// Checks a sale's shuffle from what was published, without asking anybody whether it is true.

const usage = `npm run line:verify -- SHUFFLE [options]
  SHUFFLE             a file or URL: JSON with commitment, secret, joinRoot, seed and preQueueSize, in hex
  --commitment HEX    the commitment as you saw it before the pre-queue opened: that in SHUFFLE may be a later one
  --joins JOINS       a file or URL: the list of joins, one in hex a line, in order of arrival
  --arrival N         which number the N-th join (from 0) has
  --queue-token FILE  which join and number the fan of this token has; needs --joins`;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const isUrl = (place: string): boolean => /^https?:\/\//.test(place);

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  return response;
}

const text = async (place: string): Promise<string> =>
  isUrl(place) ? (await fetched(place)).text() : readFile(place, 'utf8');

async function* linesOf(place: string): AsyncGenerator<string> {
  const input = isUrl(place) ? Readable.from((await fetched(place)).body ?? []) : createReadStream(place);
  for await (const line of createInterface({ input, crlfDelay: Infinity })) if (line !== '') yield line;
}

function shuffleFrom(json: string): PublishedShuffle {
  const read: unknown = JSON.parse(json);
  const field = (name: string): unknown =>
    typeof read === 'object' && read ? Reflect.get(read, name) : undefined;
  const hex = (name: string): string => {
    const value = field(name);
    if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value))
      throw new Error(`"${name}" is not there as 64 hex digits: the sale may not have opened yet.`);
    return value;
  };
  const whole = (name: string): number => {
    const value = field(name);
    if (typeof value !== 'number') throw new Error(`"${name}" is not there.`);
    return value;
  };
  return {
    commitment: hex('commitment'),
    secret: hex('secret'),
    joinRoot: hex('joinRoot'),
    seed: hex('seed'),
    preQueueSize: whole('preQueueSize'),
  };
}

/** Passes the list on and remembers where this join stood in it. */
async function* watched(joins: AsyncIterable<string>, join: string, found: (arrival: number) => void) {
  let arrival = 0;
  for await (const one of joins) {
    if (one === join) found(arrival);
    arrival++;
    yield one;
  }
}

function tell(finding: Finding): void {
  const { what, published, computed } = finding;
  say(
    isRight(finding)
      ? `right  ${what}: ${published}`
      : `WRONG  ${what}: ${published} was published, ${computed} follows`,
  );
}

async function main(args: string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      commitment: { type: 'string' },
      joins: { type: 'string' },
      arrival: { type: 'string' },
      'queue-token': { type: 'string' },
    },
  });
  const [place] = positionals;
  const tokenFile = values['queue-token'];
  if (
    place === undefined ||
    positionals.length > 1 ||
    (tokenFile !== undefined && values.joins === undefined)
  )
    throw new Error(usage);
  const published = shuffleFrom(await text(place));
  const shuffle = { ...published, commitment: values.commitment ?? published.commitment };
  const findings = checkSeed(shuffle);
  const arrivals = values.arrival === undefined ? [] : [Number(values.arrival)];
  if (values.joins !== undefined) {
    const join = tokenFile === undefined ? '' : joinOf((await readFile(tokenFile, 'utf8')).trim());
    findings.push(
      ...(await checkJoins(
        shuffle,
        watched(linesOf(values.joins), join, (arrival) => arrivals.push(arrival)),
      )),
    );
    if (tokenFile !== undefined) say(`The join of this queue token is ${join}.`);
  }
  for (const finding of findings) tell(finding);
  const places = placesOf(shuffle);
  for (const arrival of arrivals)
    say(`Arrival ${arrival} has number ${places.numberOf(arrival)} of ${shuffle.preQueueSize}.`);
  const isListed = tokenFile === undefined || arrivals.length > (values.arrival === undefined ? 0 : 1);
  if (!isListed) say('WRONG  this queue token is not in the list');
  return isListed && findings.every(isRight);
}

try {
  if (!(await main(process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
