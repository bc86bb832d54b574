import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NatsReader, type NatsFrame } from './nats-frames.ts';

const word = fc.stringMatching(/^[a-zA-Z0-9_$-]{1,12}$/);
const subject = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('.'));
/** With line ends in it, and words of the protocol: a payload is whatever it is. */
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('', '\r\n', 'PING\r\n', 'PUB a 5\r\nhello\r\n', '한글').map((text) => Buffer.from(text)),
);
const reply = fc.option(subject, { nil: '' });
const withPayload = (head: string, body: Buffer) =>
  Buffer.concat([Buffer.from(`${head} ${body.length}\r\n`), body, Buffer.from('\r\n')]);
const joined = (...words: (string | number)[]) => words.filter((one) => one !== '').join(' ');

const message: fc.Arbitrary<NatsFrame> = fc
  .record({
    verb: fc.constantFrom('PUB', 'HPUB', 'MSG', 'HMSG'),
    subject,
    reply,
    body: payload,
    sid: fc.nat({ max: 999 }),
  })
  .map(({ verb, sid, body, ...told }) => {
    const sidIfAny = verb.endsWith('MSG') ? sid : '';
    const headBytes = verb.startsWith('H') ? Math.min(12, body.length) : '';
    const head = joined(verb, told.subject, sidIfAny, told.reply, headBytes);
    return { verb, ...told, bytes: withPayload(head, body) };
  });
const line: fc.Arbitrary<NatsFrame> = fc
  .constantFrom('PING', 'PONG', '+OK', '-ERR', 'INFO', 'CONNECT', 'SUB', 'UNSUB')
  .chain((verb) =>
    fc.option(subject, { nil: '' }).map((rest) => ({
      verb,
      subject: '',
      reply: '',
      bytes: Buffer.from(`${joined(verb, rest)}\r\n`),
    })),
  );

test('frames are the same wherever the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(message, line), { maxLength: 12 }),
      fc.array(fc.nat({ max: 4_000 }), { maxLength: 20 }),
      (frames, cuts) => {
        const wire = Buffer.concat(frames.map(({ bytes }) => bytes));
        const places = [0, ...cuts.filter((at) => at < wire.length).toSorted((a, b) => a - b), wire.length];
        const reader = new NatsReader();
        const read = places.flatMap((at, index) => reader.read(wire.subarray(at, places[index + 1] ?? at)));
        expect(read).toEqual(frames);
      },
    ),
    { numRuns: 500 },
  );
});

test('every single byte by itself, as a slow line brings it', () => {
  const wire = Buffer.from(
    'INFO {"max_payload":1}\r\nHPUB a.b re.ply 12 16\r\nNATS/1.0\r\n\r\nbody\r\nMSG x 7 2\r\n\r\n\r\nPING\r\n',
  );
  const reader = new NatsReader();
  const read = [...wire].flatMap((byte) => reader.read(Buffer.of(byte)));
  expect(read.map(({ verb, subject: to, reply: back }) => [verb, to, back])).toEqual([
    ['INFO', '', ''],
    ['HPUB', 'a.b', 're.ply'],
    ['MSG', 'x', ''],
    ['PING', '', ''],
  ]);
});

test('what is not the protocol is said to be not', () => {
  expect(() => new NatsReader().read(Buffer.from('PUB a many\r\n'))).toThrow('not the protocol');
  expect(() => new NatsReader().read(Buffer.alloc(70_000, 'a'))).toThrow('not the protocol');
});
