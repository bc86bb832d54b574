/** What a system logs during a test, to be searched for what must never be there (invariant 14). */
export class LogBook {
  readonly #lines: string[] = [];

  write(line: string): void {
    this.#lines.push(line);
  }

  get length(): number {
    return this.#lines.length;
  }

  /** Lines with an access token, an e-mail address, or one of the given passwords. */
  indiscreet(passwords: readonly string[]): string[] {
    const shapes = [/eyJ[\w-]{8,}\.[\w-]{8,}/, /[\w.+-]+(@|%40)[\w-]+\.[a-z]/i];
    return this.#lines.filter(
      (line) =>
        shapes.some((shape) => shape.test(line)) || passwords.some((password) => line.includes(password)),
    );
  }
}
