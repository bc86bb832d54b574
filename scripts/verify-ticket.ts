import { page, ticketKeys, id } from '@tutti/contracts/http';
import { readTicket, type Ticket, type TicketFault, type TicketKeys } from '@tutti/contracts/ticket';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

// What a door does with a ticket. Only keys that are given as a URL are asked for; with files it needs no connection.

const ownKeys = 'http://localhost:3000/api/v1/tickets/keys';
const usage = `npm run ticket:verify -- TICKET [options]
  TICKET              what the QR code says
  --keys KEYS         a file or URL: what GET /api/v1/tickets/keys answered; ${ownKeys} if not given
  --performance ID    the performance that this door is for
  --cancelled FILE    what GET /api/v1/admin/performances/{id}/cancelled-tickets answered; once for each page of it`;

const whyNot: Record<TicketFault, string> = {
  not_a_ticket: 'this is not a ticket',
  unknown_key: 'it was signed with a key that is not among those given',
  forged: 'its signature is wrong: it was forged or altered',
};

async function text(place: string): Promise<string> {
  if (!/^https?:\/\//.test(place)) return readFile(place, 'utf8');
  const response = await fetch(place, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${place} answered ${response.status}.`);
  return response.text();
}

async function keysFrom(place: string): Promise<TicketKeys> {
  const { data } = ticketKeys.safeParse(JSON.parse(await text(place)));
  if (!data) throw new Error(`${place} has no ticket keys.`);
  return data;
}

async function cancelledFrom(file: string): Promise<string[]> {
  const { data } = page(id).safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!data) throw new Error(`${file} is not a list of cancelled tickets.`);
  return data.items;
}

type Door = { readonly performance: string | undefined; readonly cancelled: ReadonlySet<string> };

/** Why this ticket does not open this door; null when it does. */
function refusalOf(ticket: Ticket | TicketFault, { performance, cancelled }: Door): string | null {
  if (typeof ticket === 'string') return whyNot[ticket];
  const { performanceId, reservationId } = ticket;
  if (performance !== undefined && performanceId !== performance)
    return `it is for ${performanceId}, not for ${performance}`;
  return cancelled.has(reservationId) ? `reservation ${reservationId} was cancelled` : null;
}

const described = ({ performanceId, seats, reservationId, issuedAt }: Ticket): string =>
  `${performanceId}, ${seats.join('; ')} (reservation ${reservationId}, issued ${issuedAt.toISOString()})`;

async function main(args: string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      keys: { type: 'string', default: ownKeys },
      performance: { type: 'string' },
      cancelled: { type: 'string', multiple: true, default: [] },
    },
  });
  const [shown] = positionals;
  if (shown === undefined || positionals.length > 1) throw new Error(usage);
  const ticket = readTicket(shown, await keysFrom(values.keys));
  const cancelled = new Set((await Promise.all(values.cancelled.map(cancelledFrom))).flat());
  const refusal = refusalOf(ticket, { performance: values.performance, cancelled });
  const isValid = refusal === null && typeof ticket === 'object';
  process.stdout.write(isValid ? `Valid: ${described(ticket)}.\n` : `NOT VALID: ${refusal}.\n`);
  return isValid;
}

try {
  if (!(await main(process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
