import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { runs, type CliContext } from './output.ts';

/** `spanmeter demo`: real SDK traffic of three tenants against local stand-ins, and what it costs. */
export function registerDemo(program: Command, context: CliContext): void {
  const command = program
    .command('demo')
    .description('watch real SDK traffic being metered, against local stand-ins; needs no account');
  runs(command, context, async () => {
    // Loaded only here: nothing else of the collector needs the demo's parts.
    const { runDemo } = await import('../demo/run.ts');
    context.setExitCode(
      await runDemo({ collectorEntry: fileURLToPath(new URL('../main.js', import.meta.url)) }),
    );
  });
}
