import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installSet, setFolder } from '../support/sdk-set.ts';

export interface SetAppOptions {
  /** The folder of packages beside which the app runs. */
  readonly set: string;
  /** An ES module. */
  readonly code: string;
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface SetAppResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs a small app beside the packages of a set, in a process of its own. */
export async function runSetApp({ set, code, nodeOptions = [], env }: SetAppOptions): Promise<SetAppResult> {
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
export async function runFile(
  file: string,
  nodeOptions: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<SetAppResult> {
  const child = spawn(process.execPath, [...nodeOptions, file], {
    env: { PATH: process.env['PATH'], NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  return { stdout, stderr, code };
}
