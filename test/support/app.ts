import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { REPOSITORY } from './collector-process.ts';

export interface AppResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a small ES module as its own process, under `register`, from the repository's folder. */
export async function runApp(source: string, env: Readonly<Record<string, string>>): Promise<AppResult> {
  const child = spawn(
    process.execPath,
    ['--import', '@spanmeter/instrumentation/register', '--input-type=module', '--eval', source],
    { cwd: REPOSITORY, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
