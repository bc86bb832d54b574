import { writeSync } from 'node:fs';

/**
 * Points at which a process can be made to die, for the tests that ask: and if it had ended exactly here? Each stands before
 * or after a commit, a message or an acknowledgement; test/faults/crash-points.test.ts dies at every one of them.
 *
 * The points of `queue` are those of a broker, which has a crash between a message, its acknowledgement and the next one (the
 * bus of one process forgets everything when the process dies): test/chaos/faults/crash-points.ts dies there.
 */
export const crashPoints = {
  'participant.before-commit': 'commands were taken, nothing is done: they are asked again',
  'participant.after-commit':
    'done and journaled, nobody was told: the repetition is answered from the journal',
  'participant.after-send':
    'the replies are out, the commands not acknowledged: delivered again, they do nothing',
  'participant.before-undo': 'an undo was taken and is not done: it is owed until it is',
  'participant.after-undo': 'an undo is done and nobody was told: the next one must find that',
  'participant.before-settle': 'nobody knows yet whether the pivot took place',
  'participant.after-settle': 'the pivot is decided and its driver is gone: the next one must hear the same',
  'saga.before-store':
    'a start was taken and there is no row: nothing may have an effect yet, nobody be told 202',
  'saga.after-store': 'the row is the only trace of the saga: whoever comes next goes on from it',
  'saga.before-send': 'what the row asks for has not left: the next driver asks',
  'saga.after-send': 'commands are on their way to a driver that is gone',
  'saga.before-turn':
    'a step was refused, the row does not say so: the next driver comes to it again, or goes forward',
  'saga.after-turn':
    'the change of direction is committed and no undo has left: the next driver undoes everything',
  'saga.before-end': 'everything is done and nobody knows: the next driver computes the same answer',
  'saga.after-answer': 'the fan has the answer, the row does not: the same bytes must come again',
  'saga.after-refusal': 'the same, and the answer holds a refusal and what undos returned',
  'saga.after-end': 'the row has the answer, the fan may not: it is read from there',
  'saga.after-take-over': 'sagas of a driver that is gone were taken over by one that dies too',
  'gateway.before-start': 'a request was accepted by a gateway that tells nobody: it left no trace',
  'gateway.after-answer': 'there is an answer and the connection is gone: the same key brings it',
  'gateway.after-response': 'the fan has the answer: from here on it must stay true',
  'deliverer.before-claim': 'something is to be sent and nobody took it',
  'deliverer.after-claim': 'taken by a process that sends nothing: due again after a while',
  'deliverer.after-post': 'the receiver has it, our row does not: sent again under the same id',
  'deliverer.after-mark': 'delivered, and the rest of the work is left',
  'stub.before-receive': 'nothing is written: the sender must not believe it is',
  'stub.after-receive': 'written, and the sender does not know: it sends again, and that counts as one',
  'expirer.before-expire': 'holds are due and their one owner dies with the lease: the next one waits for it',
  'expirer.after-expire': 'ended, and nobody knows: once is enough',
  'queue.after-read': 'a batch was read and nobody has seen it: the broker gives it to another',
  'queue.before-acknowledge': 'a batch is done and the broker does not know: it comes again',
  'queue.after-acknowledge': 'the broker has forgotten the batch: what it asked for is in the databases',
  'season.while-loading': 'a part of the season is there: the next start loads the rest',
  'season.before-mark': 'all of it is there, but not that it is: loading again changes nothing',
} as const;

export type CrashPoint = keyof typeof crashPoints;

/** The `nth` time that it is reached; where several services share the code, in one of them only. */
export type CrashOrder = {
  readonly point: CrashPoint;
  readonly service: string | undefined;
  readonly nth: number;
};

/** How long the rest of the process goes on after a held point was reached. */
const heldMs = 150;

let order: CrashOrder | undefined;
let reached = 0;

/** `name`, `name:n` or `service/name:n`. Throws a sentence for anything else. */
export function parseCrashPoint(text: string): CrashOrder {
  const [, service, name, nth = '1'] = /^(?:([a-z-]+)\/)?([a-z.-]+)(?::(\d{1,6}))?$/.exec(text) ?? [];
  const point = Object.keys(crashPoints).find((one): one is CrashPoint => one === name);
  if (point === undefined || Number(nth) < 1)
    throw new Error(
      `CRASHPOINT must be the name of a crash point, such as "saga.after-turn:3" or "partner/participant.after-commit", not "${text}".`,
    );
  return { point, service, nth: Number(nth) };
}

/** From here on this process dies when it gets there. For tests; nothing else arms it. */
export function armCrashPoint(armed: CrashOrder): void {
  order = armed;
}

/** Dies on the spot if that was ordered; costs one comparison if nothing was. */
export function crashPoint(point: CrashPoint, service?: string): void {
  if (order !== undefined && isDue(order, point, service)) die(point);
}

/**
 * The same for a point at which nothing may be visible yet, or everything must be: what stands behind it waits, all else goes
 * on for a moment, and then the process dies. Dying on the spot would take along, and so hide, what should not have left.
 */
export function heldCrashPoint(point: CrashPoint, service?: string): Promise<void> | undefined {
  if (order === undefined || !isDue(order, point, service)) return undefined;
  setTimeout(die, heldMs, point);
  return new Promise(() => {});
}

function isDue(
  { point, service, nth }: CrashOrder,
  here: CrashPoint,
  inService: string | undefined,
): boolean {
  if (point !== here || (service !== undefined && service !== inService)) return false;
  reached++;
  return reached >= nth;
}

/** After its last word nothing of ours runs: no handler, no flush, as when the machine loses its power. */
function die(point: CrashPoint): void {
  writeSync(process.stderr.fd, `{"level":"fatal","msg":"dies at ${point}","pid":${process.pid}}\n`);
  process.kill(process.pid, 'SIGKILL');
}
