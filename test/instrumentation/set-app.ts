import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endedProcess, type EndedProcess } from '../support/ended-process.ts';
import { installSet, setFolder } from '../support/sdk-set.ts';

export interface SetAppOptions {
  /** The folder of packages beside which the app runs. */
  readonly set: string;
  /** An ES module. */
  readonly code: string;
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a small app beside the packages of a set, in a process of its own. */
export async function runSetApp({ set, code, nodeOptions = [], env }: SetAppOptions): Promise<EndedProcess> {
  await installSet(set);
  const folder = join(setFolder(set), '.run', randomUUID());
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'app.mjs');
  await writeFile(file, code);
  try {
    return await runFile(file, nodeOptions, env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a file with Node and waits for its end. */
export function runFile(
  file: string,
  nodeOptions: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<EndedProcess> {
  return endedProcess(process.execPath, [...nodeOptions, file], {
    env: { PATH: process.env['PATH'], NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'], ...env },
  });
}
