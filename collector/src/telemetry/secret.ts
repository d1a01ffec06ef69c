const SHOWN = '[REDACTED]';

/** A configured secret: printing it as text or JSON gives `[REDACTED]`, inspecting it nothing; only `reveal()` gives the text. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself, for the one place that sends or compares it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }
}
