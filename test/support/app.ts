import { REPOSITORY } from './collector-process.ts';
import { endedProcess, type EndedProcess } from './ended-process.ts';

/** Runs a small ES module as its own process, under `register`, from the repository's folder. */
export function runApp(source: string, env: Readonly<Record<string, string>>): Promise<EndedProcess> {
  const preload = ['--import', '@spanmeter/instrumentation/register'];
  return endedProcess(process.execPath, [...preload, '--input-type=module', '--eval', source], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
  });
}
