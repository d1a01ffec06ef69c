import { Worker } from 'node:worker_threads';
import type { ThreadAnswer } from './price-files-thread.ts';
import { PriceFilesError, type PriceFileOptions, type PriceFiles } from './price-files.ts';

/** A file of the largest size takes some ten seconds. */
const TIME_LIMIT_MS = 120_000;
const MEMORY_LIMIT_MB = 2048;

/**
 * Reads all files of own prices in a thread of its own, so that a large file holds nothing up. Rejects with
 * PriceFilesError, also where reading takes too long or too much memory.
 */
export async function readPriceFilesApart(options: PriceFileOptions, stop: AbortSignal): Promise<PriceFiles> {
  const worker = new Worker(new URL('./price-files-thread.js', import.meta.url), {
    workerData: options,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
  });
  const limit = AbortSignal.any([stop, AbortSignal.timeout(TIME_LIMIT_MS)]);
  try {
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread that reads them ended')));
      limit.addEventListener('abort', () => reject(new Error('reading them took too long')), { once: true });
    });
    if ('files' in answer) return answer.files;
    throw new PriceFilesError(answer.faults, answer.count, answer.digest);
  } catch (error) {
    if (error instanceof PriceFilesError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new PriceFilesError([`the prices files could not be read: ${why}`], 1, null, { cause: error });
  } finally {
    await worker.terminate();
  }
}
