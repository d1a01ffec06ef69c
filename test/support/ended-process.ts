import { spawn, type ChildProcess } from 'node:child_process';

/** What a process wrote, and how it ended. */
export interface EndedProcess {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** All of its environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Called with every piece of standard output. */
  readonly onOutput?: ((text: string, child: ChildProcess) => void) | undefined;
  /** It is killed when it runs for longer. */
  readonly limitMs?: number;
}

/** Runs a program without standard input and waits for its end, whichever it is; rejects where it does not start. */
export function endedProcess(
  program: string,
  args: readonly string[],
  { cwd, env, onOutput, limitMs }: ProcessOptions,
): Promise<EndedProcess> {
  const started = performance.now();
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput?.(text, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ stdout, stderr, code, signal, durationMs: performance.now() - started }),
    );
  });
}
