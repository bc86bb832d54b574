import type { Bus } from '../messaging/index.ts';
import { crashPoint, type Log } from '../service/index.ts';
import { answerQueue, commandQueue, serviceOf, type AnswerMessage, type CommandMessage } from './messages.ts';

/** What a driver has to send: gathered while it works through a batch, then one frame per destination. */
export class Outgoing {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #commands = new Map<string, CommandMessage[]>();
  readonly #answers = new Map<string, AnswerMessage[]>();

  constructor(bus: Bus, log: Log) {
    this.#bus = bus;
    this.#log = log;
  }

  command(command: CommandMessage): void {
    append(this.#commands, serviceOf(command.type), command);
  }

  answer(to: string, answer: AnswerMessage): void {
    append(this.#answers, to, answer);
  }

  /** Sends it all. What a full queue refuses is not kept: commands are asked again, and starts are repeated. */
  async flush(): Promise<void> {
    const sends: Promise<void>[] = [];
    const hasCommands = this.#commands.size > 0;
    if (hasCommands) crashPoint('saga.before-send');
    for (const [service, commands] of this.#commands)
      sends.push(this.#bus.publish(commandQueue(service), commands));
    for (const [to, answers] of this.#answers) sends.push(this.#bus.publish(answerQueue(to), answers));
    this.#commands.clear();
    this.#answers.clear();
    for (const result of await Promise.allSettled(sends))
      if (result.status === 'rejected')
        this.#log.warn({ error: result.reason }, 'messages could not be sent');
    if (hasCommands) crashPoint('saga.after-send');
  }
}

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
