import { deadLetterStream, deadLetterSubject } from './jetstream-streams.ts';
import { inboxPrefixOf } from './nats-link.ts';

export type NatsUser = {
  readonly user: string;
  /** In the clear, or as bcrypt has it (`$2a$…`). */
  readonly password: string;
  /** The streams whose queues it serves; it may do to them what it likes. */
  readonly consumes: readonly string[];
  /** The subjects it sends to; `*` stands for a word, a last `>` for the rest. */
  readonly publishes: readonly string[];
  /** May do everything: for operators and their tools. */
  readonly isAdmin?: boolean;
};

/**
 * The `authorization` block of a nats-server.conf. A service hears only what is sent to itself, sends only where it is said
 * to, and rules its own streams. It may add to the dead letters of its queues and read them all; only an admin removes any.
 * What this does not prevent: a stream of one's own may be told to copy from another's. Where services do not trust each
 * other that far, let an admin make the streams and leave `STREAM.CREATE` and `STREAM.UPDATE` out.
 */
export function natsAuthorization(users: readonly NatsUser[]): string {
  const lines = users.map((user) => {
    const { publish, subscribe } = permissionsOf(user);
    return [
      '    {',
      `      user: ${quoted(nameOf(user))}`,
      `      password: ${quoted(user.password)}`,
      '      permissions: {',
      `        publish: { allow: [${publish.map(quoted).join(', ')}] }`,
      `        subscribe: { allow: [${subscribe.map(quoted).join(', ')}] }`,
      '      }',
      '    }',
    ].join('\n');
  });
  return ['authorization {', '  users: [', lines.join('\n'), '  ]', '}', ''].join('\n');
}

function permissionsOf({ user, consumes, publishes, isAdmin = false }: NatsUser): {
  publish: string[];
  subscribe: string[];
} {
  if (isAdmin) return { publish: ['>'], subscribe: ['>'] };
  for (const stream of consumes)
    if (!/^[A-Za-z0-9-]+$/.test(stream)) throw new Error(`"${stream}" cannot name a stream.`);
  for (const subject of publishes)
    if (!/^[A-Za-z0-9*-]+(\.[A-Za-z0-9*-]+)*(\.>)?$/.test(subject) || subject.startsWith('*'))
      throw new Error(`"${subject}" is no subject that ${user} could be let publish to.`);
  return {
    publish: [...publishes, ...consumes.flatMap(rulingOf), ...deadLetterSubjects],
    subscribe: [`${inboxPrefixOf(user)}.>`],
  };
}

/** Everything a stream's owner asks the server for. What has to come again is put back by the consumer itself. */
const rulingOf = (stream: string): string[] => [
  stream,
  `${stream}.>`,
  deadLetterSubject(stream),
  deadLetterSubject(`${stream}.>`),
  ...['CREATE', 'UPDATE', 'INFO'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
  `$JS.API.CONSUMER.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.INFO.${stream}.*`,
  `$JS.API.CONSUMER.DELETE.${stream}.*`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
  `$JS.ACK.${stream}.>`,
];

const deadLetterSubjects = ['STREAM.CREATE', 'STREAM.INFO', 'DIRECT.GET'].map(
  (verb) => `$JS.API.${verb}.${deadLetterStream}`,
);

function nameOf({ user }: NatsUser): string {
  // It becomes a word of subjects.
  if (!/^[A-Za-z0-9-]+$/.test(user)) throw new Error(`"${user}" cannot name a user of the message broker.`);
  return user;
}

function quoted(text: string): string {
  for (const character of text)
    if (character < ' ' || character > '~')
      throw new Error('A user or password of the message broker may hold printable ASCII characters only.');
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
