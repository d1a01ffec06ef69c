import { Command, CommanderError, Option } from 'commander';
import { COMPONENTS } from '../components.ts';
import { VERSION } from '../telemetry/version.ts';
import { registerAlert } from './alert.ts';
import { registerBook } from './book.ts';
import { registerBudget } from './budget.ts';
import { listComponents } from './components.ts';
import { registerDeadletter } from './deadletter.ts';
import { registerDemo } from './demo.ts';
import { registerForecast } from './forecast.ts';
import { registerKey } from './key.ts';
import type { CliContext } from './output.ts';
import { registerOverride } from './override.ts';
import { registerPrice } from './price.ts';
import { printConfig } from './print-config.ts';
import { registerReport } from './report.ts';
import { registerReprice } from './reprice.ts';
import { addStartOptions, startOptions, type StartOptions } from './start-options.ts';
import { start } from './start.ts';
import { registerTenant } from './tenant.ts';
import { validate, type CommandResult } from './validate.ts';
import { registerWhatIf } from './whatif.ts';

function print(context: CliContext, { text, exitCode }: CommandResult): void {
  (exitCode === 0 ? context.write : context.warn)(`${text}\n`);
  context.setExitCode(exitCode);
}

function registerConfiguration(program: Command, context: CliContext): void {
  const configured = (command: Command): (() => StartOptions) => {
    addStartOptions(command);
    return () => startOptions(command.opts<Partial<StartOptions>>(), process.cwd());
  };
  const starting = program
    .command('start', { isDefault: true })
    .description('run the collector (the default command)');
  const started = configured(starting);
  starting.action(async () => context.setExitCode(await start(started())));

  const validating = program.command('validate').description('check a configuration and report every fault');
  const validated = configured(validating);
  validating.action(async () => print(context, await validate(validated(), context.env, COMPONENTS)));

  const printing = program
    .command('print-config')
    .description('print the merged configuration with its defaults, secrets redacted')
    .addOption(new Option('--format <format>').choices(['yaml', 'json']).default('yaml'));
  const printed = configured(printing);
  printing.action(() => {
    const { format } = printing.opts<{ format: 'yaml' | 'json' }>();
    print(context, printConfig({ ...printed(), format }, context.env, COMPONENTS));
  });

  program
    .command('components')
    .description('list what a configuration can name')
    .action(() => print(context, listComponents(VERSION, COMPONENTS)));
}

/** Runs the command line. Exit codes: 0 fine, 1 failed, 2 bad usage or configuration. */
export async function runProgram(args: readonly string[], context: CliContext): Promise<void> {
  const program = new Command('spanmeter')
    .description('What every LLM call costs, inside the OpenTelemetry pipeline you already run.')
    .version(VERSION)
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: context.write, writeErr: context.warn });
  registerConfiguration(program, context);
  registerPrice(program, context);
  registerBook(program, context);
  registerReport(program, context);
  registerWhatIf(program, context);
  registerForecast(program, context);
  registerReprice(program, context);
  registerTenant(program, context);
  registerKey(program, context);
  registerOverride(program, context);
  registerBudget(program, context);
  registerAlert(program, context);
  registerDeadletter(program, context);
  registerDemo(program, context);
  // Commands inherit these only when made by their parent's factory after they were set.
  for (const command of program.commands) {
    command.exitOverride();
    for (const inner of command.commands) inner.exitOverride();
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    context.setExitCode(error.exitCode === 0 ? 0 : 2);
  }
}
