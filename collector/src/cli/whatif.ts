import { formatRational, parseDecimal } from '@spanmeter/processors';
import { Option, type Command } from 'commander';
import { isCivilDate, PERIODS, type Period } from '../api/civil-date.ts';
import { createReader } from '../api/reader.ts';
import { askWhatIf, questionOf } from '../whatif/ask.ts';
import { WHAT_IF_GROUPS, type WhatIfGroup } from '../whatif/question.ts';
import { whatIfCsv, whatIfJson, whatIfNotes, type WhatIfReport } from '../whatif/report.ts';
import type { WhatIfSums } from '../whatif/sums.ts';
import { addBookOptions, currentPricing, type BookOptions } from './books.ts';
import { withPool } from './database.ts';
import { amount, bold, CliError, exactDecimals, grouped, printable, runs, table } from './output.ts';
import type { CliContext, Column } from './output.ts';
import { filledText } from './text-block.ts';

interface WhatIfOptions extends BookOptions {
  readonly period: Period;
  readonly date?: string;
  readonly tenant?: string;
  readonly provider?: string;
  readonly serviceName?: string;
  readonly fromModel?: string;
  readonly toModel?: string;
  readonly toProvider?: string;
  readonly cache: boolean;
  readonly groupBy: string;
  readonly format: 'table' | 'csv' | 'json';
}

/** One slice of the cursor; the work as a whole has no bound here. */
const STATEMENT_TIMEOUT_MS = 600_000;
const ACQUIRE_TIMEOUT_MS = 60_000;
/** More decimals than these make columns that no terminal holds; JSON and CSV have all. */
const SHOWN_DECIMALS = 6;

const TITLES: Readonly<Record<WhatIfGroup, string>> = {
  tenant: 'Tenant',
  provider: 'Provider',
  model: 'Model',
  service_name: 'Service',
  environment: 'Environment',
  team: 'Team',
  feature: 'Feature',
};

function shown(usd: string, decimals: number): string {
  const exact = parseDecimal(usd);
  return amount(exact === null ? usd : formatRational(exact, decimals), decimals);
}

function titleOf({ question, tenant, period, from, to, timezone }: WhatIfReport): string {
  const { change, fromModel } = question;
  const asked =
    change.kind === 'no_cache'
      ? `What if nothing had been cached${fromModel === null ? '' : ` with ${fromModel}`}?`
      : `What if ${change.provider === null ? '' : `${change.provider} `}${change.model} had run instead of ` +
        `${fromModel ?? 'what ran'}?`;
  const who = [
    tenant === null ? 'all tenants' : tenant,
    ...(question.provider === null ? [] : [question.provider]),
    ...(question.serviceName === null ? [] : [question.serviceName]),
  ].join(', ');
  const when = from === to ? from : `${from} to ${to}`;
  return `${printable(asked)}\n${printable(who)}, ${period} ${when} (${timezone})`;
}

function verdict(total: WhatIfSums, decimals: number): string {
  if (total.calls === 0) return 'There is nothing to compare: no call has a price both ways.';
  const exact = total.savings_usd.replace(/^-/, '');
  const share = total.savings_percent === null ? '' : ` (${total.savings_percent.replace(/^-/, '')} %)`;
  if (/^[0.]*$/.test(exact)) return 'It would have cost the same.';
  const what = total.savings_usd.startsWith('-') ? 'more' : 'less';
  return `It would have cost ${shown(exact, decimals)} USD${share} ${what}.`;
}

function leftOut({ answer }: WhatIfReport, decimals: number): string[] {
  const { total, unpricedThen } = answer;
  if (total.unpriced_then_calls === 0) return [];
  const one = total.unpriced_then_calls === 1;
  const cost = shown(total.unpriced_then_cost_usd, decimals);
  const reasons = unpricedThen.slice(0, 10).map(({ status, reason, calls }) => {
    const why = reason === status ? '' : `: ${reason}`;
    return `  ${grouped(String(calls))} ${printable(`${status}${why}`)}`;
  });
  return [
    `${grouped(String(total.unpriced_then_calls))} ${one ? 'call' : 'calls'} that cost ${cost} USD today would ` +
      `have no price then; ${one ? 'it is' : 'they are'} in no figure above:`,
    ...reasons,
  ];
}

/** The report for people, within the terminal's width. */
export function whatIfTable(report: WhatIfReport, context: Pick<CliContext, 'columns' | 'colours'>): string {
  const { question, answer } = report;
  const title = `${bold(titleOf(report), context.colours)}\n\n`;
  const { total, rows } = answer;
  if (rows.length === 0) {
    const whose = question.fromModel === null ? '' : ` of ${printable(question.fromModel)}`;
    return `${title}No calls${whose}.\n`;
  }
  const amounts = [...rows, total].flatMap((row) => [row.cost_usd, row.cost_then_usd]);
  const exact = exactDecimals(amounts);
  const decimals = Math.min(exact, SHOWN_DECIMALS);
  const figures = (row: WhatIfSums): string[] => [
    grouped(String(row.calls)),
    shown(row.cost_usd, decimals),
    shown(row.cost_then_usd, decimals),
    shown(row.savings_usd, decimals),
    row.savings_percent ?? '',
  ];
  const columns: Column[] = [
    ...question.groupBy.map((key): Column => ({ title: TITLES[key], align: 'left' })),
    ...['Calls', 'Cost (USD)', 'Then', 'Savings', '%'].map((text): Column => ({
      title: text,
      align: 'right',
    })),
  ];
  const body = [
    ...rows.map((row) => [...question.groupBy.map((key) => row.group[key] ?? '(none)'), ...figures(row)]),
    [...question.groupBy.map((_, index) => (index === 0 ? 'Total' : '')), ...figures(total)],
  ];
  const notes = [
    ...whatIfNotes(report),
    ...(exact > decimals ? [`Rounded to ${decimals} decimals here; --format json has all.`] : []),
  ];
  const said = [verdict(total, decimals), ...leftOut(report, decimals), ...notes];
  const text = said.map((line) => filledText(line, context.columns)).join('');
  return `${title}${table(columns, body, { ...context, total: true })}\n${text}`;
}

async function ask(options: WhatIfOptions, context: CliContext): Promise<WhatIfReport> {
  const { date, tenant = null } = options;
  if (date !== undefined && !isCivilDate(date)) {
    throw new CliError(`--date "${String(date)}" is not YYYY-MM-DD.`, 2);
  }
  const request = { ...options, noCache: !options.cache };
  // What cannot be asked is said before a configuration or a database is looked for.
  questionOf(request);
  return withPool(context, async (pool) => {
    const { books } = await currentPricing(options, context, pool);
    const reader = createReader(pool, {
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
      maxWaiting: 1,
    });
    return reader.read(tenant, (reading) =>
      askWhatIf(reading, books, request, context.now(), { maxCalls: null }),
    );
  });
}

/** `spanmeter whatif`: what stored usage would have cost with another model, or without a cache. */
export function registerWhatIf(program: Command, context: CliContext): void {
  const command = program
    .command('whatif')
    .description('what stored calls would have cost with another model, or without caching')
    .addOption(new Option('--period <period>', 'how much time').choices(PERIODS).default('month'))
    .option('--date <date>', "a day in it, YYYY-MM-DD (default: today in the tenant's time zone)")
    .option('--tenant <id>', 'one tenant, in its time zone (default: all, in UTC)')
    .option('--provider <name>', 'one provider only')
    .option('--service-name <name>', 'one application only')
    .option('--from-model <model>', 'the model that ran')
    .option('--to-model <model>', 'the model that might have run instead')
    .option('--to-provider <name>', "who sells it (default: the calls' own, else the model's vendor)")
    .option('--no-cache', 'cache reads and writes counted as plain input')
    .option('--group-by <keys>', `of ${WHAT_IF_GROUPS.join(', ')}`, 'model,service_name')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['table', 'csv', 'json']).default('table'),
    );
  addBookOptions(command);
  runs(command, context, async () => {
    const options = command.opts<WhatIfOptions>();
    const report = await ask(options, context);
    switch (options.format) {
      case 'table':
        return context.write(whatIfTable(report, context));
      case 'csv':
        context.write(whatIfCsv(report));
        return context.warn(
          whatIfNotes(report)
            .map((note) => `${note}\n`)
            .join(''),
        );
      case 'json':
        return context.write(`${JSON.stringify(whatIfJson(report), null, 2)}\n`);
      default:
        return options.format satisfies never;
    }
  });
}
