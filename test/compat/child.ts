import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command to its end. Its output is shown only when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<string> {
  const { code, output } = await attempt(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/** Runs a command to its end, however it ends. */
export async function attempt(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<Ran> {
  const child = spawn(command, args, {
    ...options,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** A process that stays, with the lines it wrote so far. */
export interface Running {
  readonly lines: readonly string[];
  /** Resolves with the first line, past or future, that contains `text`. */
  seen(text: string): Promise<string>;
  end(): Promise<void>;
}

/** Starts a process that stays. */
export function start(command: string, args: readonly string[]): Running {
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const watchers = new Set<(line: string | null) => void>();
  const tell = (line: string | null): void => watchers.forEach((watcher) => watcher(line));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream! }).on('line', (line) => {
      lines.push(line);
      tell(line);
    });
  }
  child.once('close', () => tell(null));
  return {
    lines,
    seen: (text) =>
      new Promise((resolve, reject) => {
        const past = lines.find((line) => line.includes(text));
        if (past !== undefined) return resolve(past);
        const watcher = (line: string | null): void => {
          if (line === null) reject(new Error(`${command} ended before "${text}":\n${lines.join('\n')}`));
          else if (line.includes(text)) resolve(line);
          else return;
          watchers.delete(watcher);
        };
        watchers.add(watcher);
        return undefined;
      }),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
