import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { listPriceFiles, PriceFilesError, type PriceFileOptions, type PriceFiles } from './price-files.ts';
import { readPriceFilesApart } from './read-apart.ts';

export interface PriceFileWatchOptions {
  readonly files: PriceFileOptions;
  /** What applies at the start. */
  readonly first: Pick<PriceFiles, 'digest' | 'tenantFiles'>;
  readonly intervalMs: number;
  /** Called with other contents than those that apply. */
  readonly onChange: (files: PriceFiles) => void;
  /** Called once for each wrong content. */
  readonly onFault: (fault: PriceFilesError) => void;
  /** Called where a wrong content was put back to what applies. */
  readonly onRestored: () => void;
}

export interface PriceFileWatch {
  start(): void;
  stop(): Promise<void>;
}

/** A file that is being written is read once it has been the same for so long. */
const SETTLED_MS = 200;
const MAX_LOOKS = 25;

/**
 * What shows that a file may have changed. Links are followed, so that a ConfigMap, whose folder is swapped as a
 * whole, shows a new file; the size and times alone would miss one that was replaced by its like.
 */
async function signature(options: PriceFileOptions): Promise<string> {
  try {
    const parts: string[] = [];
    for (const { path } of await listPriceFiles(options)) {
      const found = await stat(path, { bigint: true }).catch((error: unknown) => codeOf(error));
      const seen =
        typeof found === 'string'
          ? found
          : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
      parts.push(`${path}\0${seen}`);
    }
    return parts.join('\n');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

class Watch implements PriceFileWatch {
  readonly #options: PriceFileWatchOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #signature: string | null = null;
  /** What applies. */
  #applied: Pick<PriceFiles, 'digest' | 'tenantFiles'>;
  /** What is wrong now: its digest and what was said of it; null where nothing is. */
  #wrong: string | null = null;

  constructor(options: PriceFileWatchOptions) {
    this.#options = options;
    this.#applied = options.first;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const seen = await signature(this.#options.files);
      // The first look reads once, since the files may have changed after they were read at the start.
      if (seen !== this.#signature) await this.#read(seen);
      await sleep(this.#options.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #read(first: string): Promise<void> {
    const { signal } = this.#stopping;
    let seen = first;
    for (let look = 0; look < MAX_LOOKS && !signal.aborted; look++) {
      await sleep(SETTLED_MS, undefined, { signal }).catch(() => undefined);
      const again = await signature(this.#options.files);
      if (again === seen) break;
      seen = again;
    }
    if (signal.aborted) return;
    try {
      const files = await readPriceFilesApart(this.#options.files, signal);
      this.#accept(files);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PriceFilesError)) throw error;
      this.#refuse(error);
    }
    this.#signature = seen;
  }

  #accept(files: PriceFiles): void {
    // A folder whose files are all gone at once is one that is not mounted any more.
    if (files.tenantFiles === 0 && this.#applied.tenantFiles > 0) {
      const fault = `${this.#options.files.tenantPrices} has no file of a tenant any more`;
      throw new PriceFilesError([fault], 1, files.digest);
    }
    const wasWrong = this.#wrong !== null;
    this.#wrong = null;
    if (files.digest !== this.#applied.digest) {
      this.#applied = { digest: files.digest, tenantFiles: files.tenantFiles };
      this.#options.onChange(files);
    } else if (wasWrong) this.#options.onRestored();
  }

  #refuse(fault: PriceFilesError): void {
    const content = `${fault.digest} ${fault.message}`;
    if (content === this.#wrong) return;
    this.#wrong = content;
    this.#options.onFault(fault);
  }
}

/** Follows files of own prices by looking at them; starts nothing until `start`. */
export function createPriceFileWatch(options: PriceFileWatchOptions): PriceFileWatch {
  return new Watch(options);
}
