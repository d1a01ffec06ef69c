import { Option, type Command } from 'commander';
import { isCivilDate } from '../api/civil-date.ts';
import { findDrift, type Drift, type DriftReport } from '../budgets/drift.ts';
import { withClient } from './database.ts';
import { CliError, grouped, runs, table, type CliContext } from './output.ts';

const MAX_LISTED = 1_000;

interface CheckOptions {
  readonly from?: string;
  readonly to?: string;
  readonly format: 'table' | 'json';
}

function dateOf(flag: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!isCivilDate(text)) throw new CliError(`${flag} "${String(text)}" is not YYYY-MM-DD.`, 2);
  return text;
}

function rowOf(drift: Drift): string[] {
  const what = drift.kind === 'rollup' ? drift.subject : `budget ${drift.subject}`;
  const { tenant, at, expectedCalls, foundCalls, expectedUsd, foundUsd } = drift;
  return [what, tenant === '' ? '(operator)' : tenant, at, expectedCalls, foundCalls, expectedUsd, foundUsd];
}

const COLUMNS = ['Status', 'Tenant', 'From'].map((title) => ({ title, align: 'left' as const }));
const FIGURES = ['Calls', 'Counted', 'Cost (USD)', 'Summed (USD)'].map((title) => ({
  title,
  align: 'right' as const,
}));

function print(report: DriftReport, context: CliContext): void {
  const { drifts, truncated, calls, periods, from, to } = report;
  if (from === '') return context.write('No calls are kept: there is nothing to compare.\n');
  if (drifts.length > 0) context.write(table([...COLUMNS, ...FIGURES], drifts.map(rowOf), context));
  if (truncated) context.write(`Only the first ${MAX_LISTED} are shown.\n`);
  const looked = `${grouped(String(calls))} calls from ${from} to ${to} and ${periods} periods of budgets`;
  context.write(
    drifts.length === 0
      ? `Sums and calls agree: ${looked}.\n`
      : `\nSums and calls differ: ${drifts.length}${truncated ? ' or more' : ''} in ${looked}.\n`,
  );
}

/** `spanmeter budget check`: proves what was summed against the calls. Exits 1 where they differ. */
export function registerBudgetCheck(budget: Command, context: CliContext): void {
  const check = budget
    .command('check')
    .description('prove the sums that budgets go by against the stored calls')
    .option('--from <date>', 'first day in UTC, YYYY-MM-DD (default: the oldest that is kept)')
    .option('--to <date>', 'last day in UTC, YYYY-MM-DD (default: the newest)')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(check, context, async () => {
    const { format, ...options } = check.opts<CheckOptions>();
    const range = { from: dateOf('--from', options.from), to: dateOf('--to', options.to) };
    if (range.from !== null && range.to !== null && range.from > range.to)
      throw new CliError(`--to ${range.to} is before --from ${range.from}.`, 2);
    const report = await withClient(context, (client) => findDrift(client, range, MAX_LISTED));
    if (format === 'json') context.write(`${JSON.stringify(report, null, 2)}\n`);
    else print(report, context);
    for (const each of report.uncounted) {
      context.warn(`Budget ${each} was not counted yet: a running collector does it within seconds.\n`);
    }
    if (report.drifts.length > 0) context.setExitCode(1);
  });
}
