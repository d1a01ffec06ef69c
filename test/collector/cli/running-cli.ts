import { Command, CommanderError } from 'commander';
import { registerAlert } from '@spanmeter/collector/dist/cli/alert.js';
import { registerBook } from '@spanmeter/collector/dist/cli/book.js';
import { registerBudget } from '@spanmeter/collector/dist/cli/budget.js';
import { registerDeadletter } from '@spanmeter/collector/dist/cli/deadletter.js';
import { registerForecast } from '@spanmeter/collector/dist/cli/forecast.js';
import { registerKey } from '@spanmeter/collector/dist/cli/key.js';
import type { CliContext } from '@spanmeter/collector/dist/cli/output.js';
import { registerOverride } from '@spanmeter/collector/dist/cli/override.js';
import { registerPrice } from '@spanmeter/collector/dist/cli/price.js';
import { registerReport } from '@spanmeter/collector/dist/cli/report.js';
import { registerReprice, type Confirm } from '@spanmeter/collector/dist/cli/reprice.js';
import { registerTenant } from '@spanmeter/collector/dist/cli/tenant.js';
import { registerWhatIf } from '@spanmeter/collector/dist/cli/whatif.js';

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const REGISTERS = [
  registerTenant,
  registerKey,
  registerReport,
  registerDeadletter,
  registerOverride,
  registerBudget,
  registerAlert,
  registerPrice,
  registerBook,
  registerWhatIf,
  registerForecast,
];

/** Runs one command as `spanmeter` would, and catches what it prints. */
export async function spanmeter(
  args: readonly string[],
  env: Record<string, string | undefined>,
  now: Date = new Date('2026-11-02T12:00:00Z'),
  confirm: Confirm = null,
): Promise<CliRun> {
  let out = '';
  let err = '';
  let code = 0;
  const context: CliContext = {
    env,
    write: (text) => (out += text),
    warn: (text) => (err += text),
    now: () => now,
    setExitCode: (given) => (code = given),
    columns: 80,
    colours: false,
  };
  const program = new Command('spanmeter').exitOverride().configureOutput({
    writeOut: (text) => (out += text),
    writeErr: (text) => (err += text),
  });
  for (const register of REGISTERS) register(program, context);
  registerReprice(program, context, confirm);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode === 0 ? 0 : 2;
  }
  return { code, out, err };
}
