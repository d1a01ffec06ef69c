import { Option, type Command } from 'commander';
import { budgetStatus, byUse, type BudgetStatus } from '../budgets/budget-status.ts';
import { Spending } from '../budgets/spending.ts';
import { SILENT_LOG } from '../pipeline/silent.ts';
import { withClient } from './database.ts';
import { amount, CliError, exactDecimals, runs, table, type CliContext, type Column } from './output.ts';

const BAR_CELLS = 10;
const MAX_LISTED = 1_000;
const COLOURS: Readonly<Record<string, string>> = {
  ok: '\u001B[32m',
  warning: '\u001B[33m',
  exceeded: '\u001B[31m',
};
const PLAIN = '\u001B[0m';

interface StatusOptions {
  readonly tenant?: string;
  readonly format: 'table' | 'json';
}

/** `████░░░░░░  42.00%`; full at the limit and beyond. */
function barOf(usedPercent: number): string {
  const cells = Math.min(BAR_CELLS, Math.floor((usedPercent * BAR_CELLS) / 100));
  return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${usedPercent.toFixed(2).padStart(7)}%`;
}

function scopeText({ scope, scope_value }: BudgetStatus): string {
  return scope_value === null ? scope : `${scope} ${scope_value}`;
}

function resetText({ period_end, timezone }: BudgetStatus): string {
  const shown = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return `${shown.format(new Date(period_end))} ${timezone}`;
}

function spentText({ spent_usd, complete }: BudgetStatus, decimals: number): string {
  return `${amount(spent_usd, decimals)}${complete ? '' : '+'}`;
}

/** The level is the last column, so that its colour disturbs no width. */
function coloured(text: string, { colours }: CliContext): string {
  if (!colours) return text;
  return text.replaceAll(
    / (ok|warning|exceeded)$/gm,
    (_all, level: string) => ` ${COLOURS[level] ?? ''}${level}${PLAIN}`,
  );
}

/** Budgets for people. */
export function statusTable(statuses: readonly BudgetStatus[], context: CliContext): string {
  const left = (title: string): Column => ({ title, align: 'left' });
  const right = (title: string): Column => ({ title, align: 'right' });
  const decimals = exactDecimals(statuses.flatMap(({ spent_usd, limit_usd }) => [spent_usd, limit_usd]));
  const columns = [
    left('Tenant'),
    { ...left('Budget'), whole: true },
    ...['Of', 'Period'].map(left),
    { ...left('Until'), whole: true },
    ...['Spent (USD)', 'Limit (USD)', 'Used'].map(right),
    { ...left('Level'), whole: true },
  ];
  const rows = statuses.map((status) => [
    status.tenant === '' ? '(all)' : status.tenant,
    status.id,
    scopeText(status),
    status.hard ? `${status.period}, hard` : status.period,
    resetText(status),
    spentText(status, decimals),
    amount(status.limit_usd, decimals),
    barOf(status.used_percent),
    status.level,
  ]);
  const unpriced = statuses.some(({ complete }) => !complete);
  const note = unpriced ? '\n+ calls without a price are not in it: spanmeter report\n' : '';
  return `${coloured(table(columns, rows, context), context)}${note}`;
}

/** `spanmeter budget status`: what was spent against each budget, computed from the database. */
export function registerBudgetStatus(budget: Command, context: CliContext): void {
  const status = budget
    .command('status')
    .description('what was spent against each budget')
    .option('--tenant <id>', 'one tenant (default: all)')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(status, context, async () => {
    const { tenant = null, format } = status.opts<StatusOptions>();
    const spending = new Spending({ log: SILENT_LOG, now: () => context.now().getTime() });
    await withClient(context, (client) => spending.refresh(client));
    const states = byUse(spending.states(tenant));
    if (tenant !== null && states.length === 0) {
      throw new CliError(
        `Tenant "${tenant}" has no budget, or there is no such tenant (spanmeter tenant list).`,
      );
    }
    const shown = states.slice(0, MAX_LISTED).map((state) => budgetStatus(state, null));
    const truncated = states.length > shown.length;
    if (format === 'json') {
      const json = { as_of: context.now().toISOString(), budgets: shown, truncated };
      context.write(`${JSON.stringify(json, null, 2)}\n`);
      return;
    }
    context.write(statusTable(shown, context));
    if (truncated) context.write(`\nThe ${MAX_LISTED} most used of ${states.length} are shown.\n`);
  });
}
