import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { Destination } from '../demo/history.ts';
import { CliError, runs, type CliContext } from './output.ts';

interface DemoCommand {
  readonly sendTo?: string;
  readonly history?: string;
}

const MAX_HISTORY_DAYS = 60;

function destination(url: string, env: CliContext['env']): Destination {
  if (!/^https?:\/\/[^\s/]+$/.test(url)) {
    throw new CliError(
      '--send-to must be the base of an OTLP/HTTP receiver, such as http://127.0.0.1:4318.',
      2,
    );
  }
  const file = env['SPANMETER_KEY_FILE'] ?? '';
  try {
    return { url, key: file === '' ? null : readFileSync(file, 'utf8').trim() };
  } catch (error) {
    throw new CliError(`SPANMETER_KEY_FILE: ${(error as Error).message}`, 2, { cause: error });
  }
}

function historyDays(text: string | undefined): number {
  if (text === undefined) return 0;
  const days = Number(/^(\d{1,3})d$/.exec(text)?.[1] ?? Number.NaN);
  if (days >= 1 && days <= MAX_HISTORY_DAYS) return days;
  throw new CliError(`--history must be a number of days up to ${MAX_HISTORY_DAYS}, such as 14d.`, 2);
}

/** `spanmeter demo`: real SDK traffic of three tenants against local stand-ins, and what it costs. */
export function registerDemo(program: Command, context: CliContext): void {
  const command = program
    .command('demo')
    .description('watch real SDK traffic being metered, against local stand-ins; needs no account')
    .option(
      '--send-to <url>',
      'only make traffic, for a collector that runs already (key: SPANMETER_KEY_FILE)',
    )
    .option('--history <days>', 'with --send-to: send make-believe calls of so many days first, such as 14d');
  runs(command, context, async () => {
    const { sendTo, history } = command.opts<DemoCommand>();
    const days = historyDays(history);
    if (sendTo === undefined && days > 0) throw new CliError('--history needs --send-to.', 2);
    // Loaded only here: nothing else of the collector needs the demo's parts.
    const { runDemo } = await import('../demo/run.ts');
    context.setExitCode(
      await runDemo({
        collectorEntry: fileURLToPath(new URL('../main.js', import.meta.url)),
        ...(sendTo === undefined ? {} : { sendTo: destination(sendTo, context.env), historyDays: days }),
      }),
    );
  });
}
