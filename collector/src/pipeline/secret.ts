import { inspect } from 'node:util';
import { z } from 'zod';

const REDACTED = '[REDACTED]';

/** Text that never shows itself: JSON, string conversion and `util.inspect` all give `[REDACTED]`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    Object.defineProperty(this, inspect.custom, { value: () => REDACTED });
  }

  /** The text itself, for the one place that needs it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }
}

/** An option that holds a secret: text in the YAML, `Secret` in the program, `[REDACTED]` when printed. */
export const secretOption: z.ZodType<Secret, string> = z
  .codec(z.string(), z.instanceof(Secret), {
    decode: (text) => new Secret(text),
    encode: (secret) => secret.toString(),
  })
  .meta({ secret: true });
