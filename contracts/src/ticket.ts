import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import * as z from 'zod';
import type { ticketKeys } from './http.ts';

/**
 * A ticket as a QR code says it: a compact JWS (RFC 7515) signed with Ed25519 (RFC 8037), of a type of its own (RFC 8725). A
 * door needs the public key and no connection. It names nobody: whoever shows it has it.
 */
export type Ticket = {
  readonly reservationId: string;
  readonly performanceId: string;
  /** The labels of its seats. */
  readonly seats: readonly string[];
  /** To the second. */
  readonly issuedAt: Date;
};

export type TicketKeys = z.infer<typeof ticketKeys>;

export type TicketSigner = {
  /** One ticket, one text: signing it again gives the same. */
  sign(ticket: Ticket): string;
  readonly keys: TicketKeys;
};

/** Why something is not a ticket of ours. */
export type TicketFault = 'not_a_ticket' | 'unknown_key' | 'forged';

const type = 'tutti-ticket+jwt';

const header = z.strictObject({ alg: z.literal('EdDSA'), typ: z.literal(type), kid: z.string() });
// Names of one letter: every byte makes the code denser.
const claims = z.strictObject({
  r: z.uuid(),
  p: z.string(),
  s: z.array(z.string()).min(1),
  iat: z.int().min(0).max(8_640_000_000_000),
});

const seedBytes = 32;

/** `seed` is the private key as RFC 8032 has it: any 32 random bytes. */
export function ticketSigner(seed: Buffer): TicketSigner {
  if (seed.length !== seedBytes) throw new Error(`A ticket key has ${seedBytes} bytes, not ${seed.length}.`);
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from(pkcs8Prefix, 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const kid = kidOf(x);
  const head = part({ alg: 'EdDSA', typ: type, kid } satisfies z.infer<typeof header>);
  return {
    sign: (ticket) => {
      const signed = `${head}.${part(claimsOf(ticket))}`;
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
    },
    keys: { keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' }] },
  };
}

/** What a ticket says, if one of these keys has signed it. */
export function readTicket(text: string, { keys }: TicketKeys): Ticket | TicketFault {
  const [head = '', body = '', signature = '', ...rest] = text.split('.');
  const { success, data } = header.safeParse(parsed(head));
  if (!success || rest.length > 0) return 'not_a_ticket';
  const jwk = keys.find(({ kid }) => kid === data.kid);
  if (!jwk) return 'unknown_key';
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const bytes = Buffer.from(signature, 'base64url');
  // The last letter has bits to spare: read leniently, one signature would have several texts.
  const isOneText = bytes.toString('base64url') === signature;
  if (!isOneText || !verify(null, Buffer.from(`${head}.${body}`), key, bytes)) return 'forged';
  const said = claims.safeParse(parsed(body)).data;
  return said ? ticketOf(said) : 'not_a_ticket';
}

/** What PKCS #8 says of an Ed25519 key before its 32 bytes (RFC 8410, section 10.3). */
const pkcs8Prefix = '302e020100300506032b657004220420';

/** The beginning of its thumbprint (RFC 7638): enough to tell the keys of one house apart, and short. */
const kidOf = (x: string): string =>
  hash('sha256', JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }), 'base64url').slice(0, 8);

const claimsOf = ({ reservationId, performanceId, seats, issuedAt }: Ticket): z.infer<typeof claims> => ({
  r: reservationId,
  p: performanceId,
  s: [...seats],
  iat: Math.floor(issuedAt.getTime() / 1_000),
});

const ticketOf = ({ r, p, s, iat }: z.infer<typeof claims>): Ticket => ({
  reservationId: r,
  performanceId: p,
  seats: s,
  issuedAt: new Date(iat * 1_000),
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}
