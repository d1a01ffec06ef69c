import { parentPort, workerData } from 'node:worker_threads';
import { PriceFilesError, readPriceFiles, type PriceFileOptions, type PriceFiles } from './price-files.ts';

/** What the thread answers, once. */
export type ThreadAnswer =
  | { readonly files: PriceFiles }
  | { readonly faults: readonly string[]; readonly count: number; readonly digest: string | null };

/** The entry of the thread that reads prices files beside everything else. */
async function run(): Promise<void> {
  if (parentPort === null) throw new Error('this is the entry of a worker thread');
  const port = parentPort;
  let answer: ThreadAnswer;
  try {
    answer = { files: await readPriceFiles(workerData as PriceFileOptions) };
  } catch (error) {
    if (!(error instanceof PriceFilesError)) throw error;
    answer = { faults: error.faults, count: error.faultCount, digest: error.digest };
  }
  port.postMessage(answer satisfies ThreadAnswer);
}

await run();
