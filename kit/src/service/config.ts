/**
 * The one gate for what comes from the environment: every fault is found and told in a sentence, all at once, before
 * anything starts. Read values are plain; the caller freezes them into its configuration.
 */
export class Environment {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #faults: string[] = [];

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  text(name: string, fallback: string): string {
    const value = this.#env[name];
    return value === undefined || value === '' ? fallback : value;
  }

  optional(name: string): string | undefined {
    const value = this.#env[name];
    return value === '' ? undefined : value;
  }

  /** `what` ends the sentence for whoever did not set it. */
  required(name: string, what: string): string {
    const value = this.optional(name);
    if (value === undefined) this.fault(`${name} is needed: ${what}.`);
    return value ?? '';
  }

  integer(name: string, fallback: number, { min, max }: { min: number; max: number }): number {
    const text = this.text(name, String(fallback));
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    this.fault(`${name} must be a whole number from ${min} to ${max}, not "${text}".`);
    return fallback;
  }

  oneOf<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const text = this.text(name, fallback);
    const choice = choices.find((one) => one === text);
    if (choice !== undefined) return choice;
    this.fault(`${name} must be one of ${choices.join(', ')}, not "${text}".`);
    return fallback;
  }

  url(name: string): URL | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
    // The value may hold a password: it is not repeated.
    this.fault(`${name} must be an http or https address.`);
    return undefined;
  }

  /** What `parse` makes of it; the sentence that it throws is the fault. */
  parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      this.fault(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  fault(sentence: string): void {
    this.#faults.push(sentence);
  }

  /** Throws with all that is wrong. */
  check(): void {
    if (this.#faults.length > 0) throw new ConfigurationError(this.#faults.join(' '));
  }
}

/** A mistake of the person who starts it: shown as a sentence, without a stack. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError';
}
