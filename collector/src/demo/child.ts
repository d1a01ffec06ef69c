import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';

/** A process that the demo started and will stop. */
export interface Child {
  readonly name: string;
  readonly logFile: string;
  /** Resolves when it has ended, with what ended it. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  /** SIGTERM, then SIGKILL after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const running = new Set<ChildProcess>();

// Whatever ends the demo, nothing that it started stays behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `node` with `args`; its output goes to `logFile`. Ctrl-C reaches the demo only. */
export function startNode(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  logFile: string,
): Child {
  const log = createWriteStream(logFile, { flags: 'a' });
  const child = spawn(process.execPath, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  let over = false;
  const ended = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      over = true;
      running.delete(child);
      log.end();
      resolve(how);
    };
    child.once('close', (code, signal) => end(signal ?? `exit code ${code ?? 'unknown'}`));
    child.once('error', (error) => end(error.message));
  });
  const stop = async (graceMs: number): Promise<void> => {
    if (over) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  };
  return { name, logFile, ended, hasEnded: () => over, stop };
}
