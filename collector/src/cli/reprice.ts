import { createInterface } from 'node:readline/promises';
import { Option, type Command } from 'commander';
import type { Client } from 'pg';
import { isBound } from '../api/parameters.ts';
import { resolveRange } from '../api/range.ts';
import {
  actReprice,
  interruptedRun,
  lockReprice,
  planReprice,
  prepareReprice,
  RepriceUnderWay,
  type CallSelection,
  type RepricePlan,
  type RunCounts,
  type RunRequest,
} from '../reprice/reprice.ts';
import { addBookOptions, currentPricing, type BookOptions } from './books.ts';
import { actor, withClient } from './database.ts';
import { refuseForgottenPrices } from './forgotten-prices.ts';
import { amount, bold, CliError, exactDecimals, grouped, printable, runs, table } from './output.ts';
import type { CliContext, Column } from './output.ts';

interface RepriceOptions extends BookOptions {
  readonly from: string;
  readonly to: string;
  readonly tenant?: string;
  readonly model?: string;
  readonly reason: string;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly format: 'table' | 'json';
}

/** Asks a person; null where nobody sits there to answer. */
export type Confirm = ((question: string) => Promise<boolean>) | null;

const MAX_REASON = 500;

/** Asks on the terminal, where there is one on both sides. */
export function askOnTerminal(): Confirm {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return null;
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    try {
      return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
    } finally {
      terminal.close();
    }
  };
}

const number = (title: string): Column => ({ title, align: 'right' });
/** What a run would change, by tenant and model, for people. */
export function summaryTable(plan: RepricePlan, context: Pick<CliContext, 'columns' | 'colours'>): string {
  const { rows, total } = plan.summary;
  const changing = rows.filter((row) => row.changed > 0);
  if (changing.length === 0) return '';
  const decimals = exactDecimals(
    [...changing, total].flatMap((row) => [row.old_cost_usd, row.new_cost_usd, row.difference_usd]),
  );
  const columns: Column[] = [
    { title: 'Tenant', align: 'left' },
    { title: 'Model', align: 'left' },
    number('Changed'),
    number('of'),
    number('Old cost'),
    number('New cost'),
    number('Difference'),
  ];
  const cells = (row: typeof total): string[] => [
    grouped(String(row.changed)),
    grouped(String(row.calls)),
    row.newly_priced === row.calls ? 'none' : amount(row.old_cost_usd, decimals),
    row.no_longer_priced === row.calls ? 'none' : amount(row.new_cost_usd, decimals),
    amount(row.difference_usd, decimals),
  ];
  const lines = changing.map((row) => [row.tenant, row.model, ...cells(row)]);
  return `${table(columns, [...lines, ['Total', '', ...cells(total)]], { ...context, total: true })}\n`;
}

function calls(count: number): string {
  return `${grouped(String(count))} ${count === 1 ? 'call' : 'calls'}`;
}

/** Title, table and what a reader has to know besides. */
export function planText(
  plan: RepricePlan,
  selection: CallSelection,
  context: Pick<CliContext, 'columns' | 'colours'>,
): string {
  const { continues, gone, summary } = plan;
  const who = selection.tenant === null ? 'all tenants' : printable(selection.tenant);
  const what = selection.model === null ? '' : `, model ${printable(selection.model)}`;
  const { newly_priced: priced, no_longer_priced: unpriced } = summary.total;
  const notes = [
    priced === 0 ? '' : `Newly priced: ${calls(priced)}.\n`,
    unpriced === 0 ? '' : `No longer priced: ${calls(unpriced)}.\n`,
    continues === null
      ? ''
      : `Continues run ${continues.id}, which was interrupted after ${calls(continues.counts.calls_looked_at)}.\n`,
    summary.total.changed === 0
      ? `${calls(summary.total.calls)} looked at: today's prices change none.\n`
      : '',
    summary.unstorable === 0
      ? ''
      : `${calls(summary.unstorable)} would cost more than can be stored and stay as they are.\n`,
    gone === 0
      ? ''
      : `${calls(gone)} of this time are past the retention: their usage is gone, and they keep their cost.\n`,
  ];
  const title = bold(
    `Reprice of ${who}${what} in USD, ${selection.from} to ${selection.to} (excluded)`,
    context.colours,
  );
  return `${title}\n\n${summaryTable(plan, context)}${notes.join('')}`;
}

function doneText(id: string, counts: RunCounts): string {
  const { calls_looked_at: looked, calls_changed: changed, increase_usd: up, decrease_usd: down } = counts;
  return (
    `Run ${id}: ${calls(looked)} looked at, ${grouped(String(changed))} changed, ` +
    `up by ${amount(up, 2)} USD, down by ${amount(down, 2)} USD.\n`
  );
}

async function selectionOf(client: Client, options: RepriceOptions): Promise<CallSelection> {
  const { tenant = null, model = null, from, to } = options;
  const query = async <R extends object>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
    (await client.query<R>(text, [...values])).rows;
  let timezone = 'UTC';
  if (tenant !== null) {
    const [known] = await query<{ timezone: string }>(
      'SELECT timezone FROM spanmeter.tenants WHERE id = $1',
      [tenant],
    );
    if (known === undefined) throw new CliError(`There is no tenant "${tenant}" (spanmeter tenant list).`);
    timezone = known.timezone;
  }
  return { ...(await resolveRange({ tenant, timezone, query }, { from, to }, false)), tenant, model };
}

function checked(options: RepriceOptions): RepriceOptions {
  for (const name of ['from', 'to'] as const) {
    if (!isBound(options[name])) {
      throw new CliError(`--${name} "${options[name]}" is neither YYYY-MM-DD nor an instant with offset.`, 2);
    }
  }
  if (options.reason.trim() === '' || options.reason.length > MAX_REASON) {
    throw new CliError(`--reason has from 1 to ${MAX_REASON} characters.`, 2);
  }
  return options;
}

function writePlan(
  plan: RepricePlan,
  request: RunRequest,
  options: RepriceOptions,
  context: CliContext,
): void {
  if (options.format === 'table') {
    context.write(planText(plan, request.selection, context));
    return;
  }
  const { continues, gone, summary } = plan;
  const json = {
    ...request.selection,
    dry_run: options.dryRun === true,
    book_version: request.pricing.books.shared.version,
    continues_run: continues?.id ?? null,
    rows: summary.rows,
    total: summary.total,
    unstorable_calls: summary.unstorable,
    calls_past_retention: gone,
  };
  context.write(`${JSON.stringify({ summary: json })}\n`);
}

async function act(
  client: Client,
  plan: RepricePlan,
  request: RunRequest,
  options: RepriceOptions,
  context: CliContext,
): Promise<void> {
  const { run, counts } = await actReprice(client, request, plan.continues);
  if (options.format === 'table') context.write(doneText(run.id, counts));
  else context.write(`${JSON.stringify({ run: { id: run.id, reason: run.reason, ...counts } })}\n`);
}

async function reprice(options: RepriceOptions, context: CliContext, confirm: Confirm): Promise<void> {
  await withClient(context, async (client) => {
    await prepareReprice(client);
    const pricing = await currentPricing(options, context, client);
    await refuseForgottenPrices(client, pricing.books, options);
    const dryRun = options.dryRun === true;
    if (!dryRun) await lockReprice(client).catch(explainLock);
    const selection = await selectionOf(client, options);
    const request: RunRequest = { selection, pricing, reason: options.reason, actor: actor(context.env) };
    const continues = dryRun ? null : await interruptedRun(client, request);
    const plan = await planReprice(client, request, continues);
    writePlan(plan, request, options, context);
    if (dryRun) return;
    if (plan.summary.total.changed === 0 && continues === null) return;
    const asks = plan.summary.total.changed > 0 && options.yes !== true ? confirm : null;
    if (asks !== null && !(await asks('Write these corrections?'))) {
      throw new CliError('Nothing was changed.');
    }
    await act(client, plan, request, options, context);
  });
}

function explainLock(error: unknown): never {
  if (!(error instanceof RepriceUnderWay)) throw error;
  const message = 'Another reprice is under way in this database; wait until it is done.';
  throw new CliError(message, 1, { cause: error });
}

/** `spanmeter reprice`: corrects what stored calls cost by today's prices. */
export function registerReprice(
  program: Command,
  context: CliContext,
  confirm: Confirm = askOnTerminal(),
): void {
  const command = addBookOptions(program.command('reprice'))
    .description("correct what stored calls cost, by today's prices; prints a summary before it acts")
    .requiredOption('--from <when>', "first day, in the tenant's time zone, or an instant with its offset")
    .requiredOption('--to <when>', 'last day, included, or an instant, excluded')
    .option('--tenant <id>', 'one tenant, in its time zone (default: all, in UTC)')
    .option('--model <model>', 'one model, as reports name it')
    .option('--reason <text>', 'what corrections say of why they were made', 'reprice')
    .option('--dry-run', 'only print what would change')
    .option('--yes', 'do not ask')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(command, context, async () => reprice(checked(command.opts<RepriceOptions>()), context, confirm));
}
