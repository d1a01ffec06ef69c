import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Secret } from '../pipeline/secret.ts';

/** Where a bearer token is kept: in the configuration, or in a file that may be replaced while we run. */
export type BearerSource = { readonly token: Secret } | { readonly file: string };

/** Most often that a file is read again, in milliseconds: wrong tokens must not make work. */
const REREAD_MS = 1_000;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Checks `Authorization: Bearer …` in constant time; a replaced token file counts from the next request. */
export class BearerCheck {
  readonly #source: BearerSource;
  readonly #now: () => number;
  #expected: Buffer | null = null;
  #readAtMs = 0;

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(source: BearerSource, now: () => number = () => performance.now()) {
    this.#source = source;
    this.#now = now;
  }

  /** Reads the token. Rejects where the file cannot be read or the token is empty. */
  async load(): Promise<void> {
    const source = this.#source;
    const text = 'token' in source ? source.token.reveal() : (await readFile(source.file, 'utf8')).trim();
    if (text === '')
      throw new Error('file' in source ? `${source.file} holds no token` : 'the bearer token is empty');
    this.#expected = digest(text);
    this.#readAtMs = this.#now();
  }

  /** Whether the header carries the token. */
  async allows(header: string | undefined): Promise<boolean> {
    const given = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
    if (given === undefined) return false;
    const wanted = digest(given);
    if (this.#matches(wanted)) return !(await this.#changed()) || this.#matches(wanted);
    return (await this.#changed()) && this.#matches(wanted);
  }

  #matches(wanted: Buffer): boolean {
    return this.#expected !== null && timingSafeEqual(this.#expected, wanted);
  }

  /** Reads the file again if it is time; a file that cannot be read now leaves the last token in force. */
  async #changed(): Promise<boolean> {
    if ('token' in this.#source || this.#now() - this.#readAtMs < REREAD_MS) return false;
    this.#readAtMs = this.#now();
    try {
      await this.load();
      return true;
    } catch {
      return false;
    }
  }
}
