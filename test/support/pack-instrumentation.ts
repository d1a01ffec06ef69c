import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from './collector-process.ts';

/** Packs `@spanmeter/instrumentation` into `dir`, as it would be published, and gives the file. */
export async function packInstrumentation(dir: string): Promise<string> {
  const args = ['pack', '--silent', '--workspace', '@spanmeter/instrumentation', '--pack-destination', dir];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: REPOSITORY });
  const file = /^spanmeter-instrumentation-.*\.tgz$/m.exec(stdout)?.[0];
  if (file === undefined) throw new Error(`npm pack named no file:\n${stdout}`);
  return join(dir, file);
}
