import { Option, type Command } from 'commander';
import {
  civilDateIn,
  isCivilDate,
  PERIODS,
  periodDays,
  type CivilDate,
  type Period,
} from '../api/civil-date.ts';
import { isBound } from '../api/parameters.ts';
import { resolveRange } from '../api/range.ts';
import { createReader } from '../api/reader.ts';
import { resolveAsOf } from '../api/spend-as-of.ts';
import { spendCsv } from '../api/spend-csv.ts';
import {
  GROUP_KEYS,
  readsCalls,
  readSpend,
  type GroupKey,
  type Spend,
  type SpendRow,
  type SpendSums,
} from '../api/spend-query.ts';
import { withPool } from './database.ts';
import { amount, bold, CliError, exactDecimals, grouped, printable, runs, table } from './output.ts';
import type { CliContext, Column } from './output.ts';

interface ReportOptions {
  readonly period: Period;
  readonly date?: string;
  readonly provider?: string;
  readonly serviceName?: string;
  readonly tenant?: string;
  readonly groupBy: string;
  readonly format: ReportFormat;
  readonly strict?: boolean;
  readonly asOf?: string;
}

type ReportFormat = 'table' | 'csv' | 'json';
const FORMATS: readonly ReportFormat[] = ['table', 'csv', 'json'];
const TIMEOUT_MS = 120_000;

/** A report, ready to be printed. */
export interface Report {
  readonly tenant: string | null;
  readonly timezone: string;
  readonly period: Period;
  /** Both inclusive. */
  readonly from: CivilDate;
  readonly to: CivilDate;
  /** ISO instant at which the spend stood so; null: as it stands. */
  readonly asOf: string | null;
  readonly groupBy: readonly GroupKey[];
  readonly spend: Spend;
}

const TITLES: Readonly<Record<GroupKey, string>> = {
  tenant: 'Tenant',
  team: 'Team',
  user: 'User',
  feature: 'Feature',
  service_name: 'Service',
  environment: 'Environment',
  provider: 'Provider',
  model: 'Model',
  key: 'Key',
  day: 'Day',
  month: 'Month',
};

function titleOf(report: Report): string {
  const who = report.tenant === null ? 'all tenants' : printable(report.tenant);
  const when = report.from === report.to ? report.from : `${report.from} to ${report.to}`;
  const then = report.asOf === null ? '' : `, as of ${report.asOf}`;
  return `Spend of ${who}, ${report.period} ${when} (${report.timezone})${then}`;
}

/** The sentence on calls that no amount includes; empty where there are none. */
export function unpricedNote(unpriced: number): string {
  if (unpriced === 0) return '';
  return `+ ${grouped(String(unpriced))} ${unpriced === 1 ? 'call' : 'calls'} without a price`;
}

/** The sentence on what of the total goes by estimated tokens; empty where nothing does. */
export function estimatedNote({ estimated_calls: calls, estimated_cost_usd: cost }: SpendSums): string {
  if (calls === 0) return '';
  const counted = `${grouped(String(calls))} ${calls === 1 ? 'call' : 'calls'}`;
  return `of which estimated: ${amount(cost, exactDecimals([cost]))} USD in ${counted}`;
}

function labels(row: SpendRow, before: SpendRow | undefined, groupBy: readonly GroupKey[]): string[] {
  let same = before !== undefined;
  return groupBy.map((key, index) => {
    same &&= before?.group[key] === row.group[key];
    // A repeated day is left out, so that days stand out; other repeated values are easier read in full.
    const repeated = same && index === 0 && groupBy.length > 1 && (key === 'day' || key === 'month');
    return repeated ? '' : (row.group[key] ?? '(none)');
  });
}

/** What a reader must know of a total: estimates in it, and calls that are not. */
function notesOf(total: SpendSums): string[] {
  return [estimatedNote(total), unpricedNote(total.unpriced_calls)].filter((note) => note !== '');
}

/** A cost that is not known at all is no 0. */
function costText(sums: SpendSums, decimals: number): string {
  return sums.calls > 0 && sums.unpriced_calls >= sums.calls ? 'no price' : amount(sums.cost_usd, decimals);
}

/** The report for people: exact amounts aligned at the point, a total, and what has no price. */
export function reportTable(report: Report, context: Pick<CliContext, 'columns' | 'colours'>): string {
  const { spend, groupBy } = report;
  const title = `${bold(titleOf(report), context.colours)}\n\n`;
  if (spend.rows.length === 0) return `${title}No calls.\n`;
  const decimals = exactDecimals([...spend.rows, spend.total].map((row) => row.cost_usd));
  const number = (title: string): Column => ({ title, align: 'right' });
  const columns: Column[] = [
    ...groupBy.map((key): Column => ({ title: TITLES[key], align: 'left' })),
    number('Calls'),
    number('Tokens in'),
    number('Tokens out'),
    number('Cost (USD)'),
  ];
  const sums = (row: Omit<SpendRow, 'group'>): string[] => [
    grouped(String(row.calls)),
    grouped(String(row.input_tokens)),
    grouped(String(row.output_tokens)),
    costText(row, decimals),
  ];
  const rows = spend.rows.map((row, index) => [...labels(row, spend.rows[index - 1], groupBy), ...sums(row)]);
  const total = [...groupBy.map((_, index) => (index === 0 ? 'Total' : '')), ...sums(spend.total)];
  const notes = notesOf(spend.total).map((note) => `\n${note}\n`);
  const cut = spend.truncated ? '\nMore rows than can be shown; the total has all.\n' : '';
  return `${title}${table(columns, [...rows, total], { ...context, total: true })}${cut}${notes.join('')}`;
}

/** The report for programs; the rows as `/api/v1/spend` gives them. */
export function reportJson(report: Report): string {
  const { tenant, timezone, period, from, to, asOf, groupBy, spend } = report;
  const rows = spend.rows.map(({ group, ...sums }) => ({ ...group, ...sums }));
  const { total, truncated } = spend;
  const json = {
    tenant,
    timezone,
    currency: 'USD',
    period,
    from,
    to,
    as_of: asOf,
    group_by: groupBy,
    rows,
    total,
    truncated,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function groupKeys(text: string): GroupKey[] {
  return text.split(',').map((name) => {
    const key = GROUP_KEYS.find((known) => known === name.trim());
    if (key === undefined) throw new CliError(`--group-by "${name}" is none of ${GROUP_KEYS.join(', ')}.`, 2);
    return key;
  });
}

async function readReport(options: ReportOptions, context: CliContext): Promise<Report> {
  const { period, date, provider, serviceName: service_name, tenant = null } = options;
  const groupBy = groupKeys(options.groupBy);
  if (new Set(groupBy).size !== groupBy.length) throw new CliError('--group-by names a key twice.', 2);
  if (date !== undefined && !isCivilDate(date))
    throw new CliError(`--date "${String(date)}" is not YYYY-MM-DD.`, 2);
  if (options.asOf !== undefined && !isBound(options.asOf))
    throw new CliError(`--as-of "${options.asOf}" is neither YYYY-MM-DD nor an instant with its offset.`, 2);
  const { isKnown, ...report } = await withPool(context, async (pool) => {
    const reader = createReader(pool, {
      statementTimeoutMs: TIMEOUT_MS,
      acquireTimeoutMs: TIMEOUT_MS,
      maxWaiting: 1,
    });
    return reader.read(tenant, async (reading) => {
      const days = periodDays(period, date ?? civilDateIn(reading.timezone, context.now()));
      const range = await resolveRange(reading, days, true);
      const wanted = { range, groupBy, filters: { provider, service_name } };
      const asOf = await resolveAsOf(reading, {
        asked: options.asOf,
        range,
        readsCalls: readsCalls(wanted),
      });
      const spend = await readSpend(reading, { ...wanted, asOf });
      const known = await reading.query('SELECT FROM spanmeter.tenants WHERE id = $1', [tenant]);
      const isKnown = tenant === null || spend.rows.length > 0 || known.length > 0;
      const { timezone } = reading;
      return { isKnown, tenant, timezone, period, ...days, asOf: asOf?.at ?? null, groupBy, spend };
    });
  });
  if (!isKnown) throw new CliError(`There is no tenant "${String(tenant)}" (spanmeter tenant list).`);
  return report;
}

function print(report: Report, format: ReportFormat, context: CliContext): void {
  const notes = notesOf(report.spend.total);
  switch (format) {
    case 'table':
      context.write(reportTable(report, context));
      return;
    case 'csv':
      context.write(spendCsv(report.groupBy, report.spend.rows));
      break;
    case 'json':
      context.write(reportJson(report));
      break;
    default:
      format satisfies never;
  }
  for (const note of notes) context.warn(`${note}\n`);
}

/** `spanmeter report`: what a day, week or month cost. */
export function registerReport(program: Command, context: CliContext): void {
  const formats = (flags: string, text: string): Option => new Option(flags, text).choices(FORMATS);
  const report = program
    .command('report')
    .description('what a day, week or month cost')
    .addOption(new Option('--period <period>', 'how much time').choices(PERIODS).default('day'))
    .option('--date <date>', "a day in it, YYYY-MM-DD (default: today in the tenant's time zone)")
    .option('--provider <name>', 'one provider only')
    .addOption(new Option('--service <name>', 'alias of --provider').hideHelp())
    .option('--service-name <name>', 'one application only')
    .option('--tenant <id>', 'one tenant, in its time zone (default: all, in UTC)')
    .option('--group-by <keys>', `of ${GROUP_KEYS.join(', ')}`, 'day,provider')
    .addOption(formats('--format <format>', 'how to print').default('table'))
    .addOption(formats('--export <format>', 'alias of --format').hideHelp())
    .option('--as-of <when>', 'as it stood at an instant, or at the end of a day in UTC')
    .option('--strict', 'exit with 3 where a call has no price');
  type Parsed = ReportOptions & { readonly service?: string; readonly export?: ReportFormat };
  runs(report, context, async () => {
    const { service, export: exported, ...options } = report.opts<Parsed>();
    const { provider = service, ...others } = options;
    const asked = provider === undefined || provider === 'all' ? others : { ...others, provider };
    const made = await readReport(asked, context);
    print(made, exported ?? options.format, context);
    if (options.strict === true && made.spend.total.unpriced_calls > 0) context.setExitCode(3);
  });
}
