import { Option, type Command } from 'commander';
import type { ClientBase } from 'pg';
import {
  budgetFaults,
  DEFAULT_STEPS,
  FIELD_CHECKS,
  type BudgetFault,
  type BudgetField,
  type BudgetRequest,
} from '../budgets/budget-fields.ts';
import { budgetJson } from '../budgets/budget-json.ts';
import { listBudgets, type RowQuery } from '../budgets/list-budgets.ts';
import {
  changeBudget,
  createBudget,
  MAX_BUDGETS,
  removeBudget,
  type BudgetChanges,
  type ChangedBy,
} from '../budgets/store.ts';
import { inRepeatableTransaction } from '../keys/transaction.ts';
import { registerBudgetCheck } from './budget-check.ts';
import { registerBudgetStatus } from './budget-status.ts';
import { budgetSentence, budgetTable } from './budget-text.ts';
import { actor, withClient } from './database.ts';
import { CliError, printable, runs, type CliContext } from './output.ts';

/** Scopes that an option of its own gives the value of. */
const SCOPE_OPTIONS = [
  ['team', 'team', 'a team, as calls are stored with it'],
  ['feature', 'feature', 'a feature'],
  ['serviceName', 'service_name', '`service.name` of an application'],
  ['environment', 'environment', 'a deployment environment'],
  ['provider', 'provider', 'a provider, in any spelling'],
  ['model', 'model', 'a model, as the price book names it'],
  ['key', 'key', 'public id of an API key'],
  ['user', 'user', 'a user'],
  ['session', 'session', 'a session'],
  ['agent', 'agent', 'an agent'],
] as const;

type ScopeOptions = { readonly [K in (typeof SCOPE_OPTIONS)[number][0]]?: string };

interface SettingOptions {
  readonly limit?: string;
  readonly steps?: string;
  readonly name?: string;
  readonly period?: string;
  readonly from?: string;
  readonly to?: string;
  readonly timezone?: string;
  readonly hard?: true;
  readonly soft?: true;
}

interface AddOptions extends SettingOptions, ScopeOptions {
  readonly tenant?: string;
  readonly all?: true;
  readonly each?: true;
  readonly disabled?: true;
}

interface SetOptions extends SettingOptions {
  readonly tenant?: string;
  readonly tenantTimezone?: true;
  readonly enable?: true;
  readonly disable?: true;
}

interface ListOptions {
  readonly tenant?: string;
  readonly operator?: true;
  readonly format: 'table' | 'json';
}

function dashed(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** What people typed, for the field that is at fault. */
function optionOf(field: BudgetField, scopeOption: string): string {
  if (field === 'id') return 'the id';
  if (field === 'limit_usd') return '--limit';
  return field === 'scope' || field === 'scope_value' ? scopeOption : `--${field}`;
}

function refuse(faults: readonly BudgetFault[], scopeOption = 'the scope'): void {
  if (faults.length === 0) return;
  const lines = faults.map(({ field, message }) => `${optionOf(field, scopeOption)} ${message}`);
  throw new CliError(lines.join('\n       '), 2);
}

/** The one scope that the options name; none but `--tenant` is the whole tenant. */
function scopeOf(options: AddOptions): { scope: string; scopeValue: string | null; option: string } {
  const named = [
    ...SCOPE_OPTIONS.flatMap(([option, scope]) => {
      const scopeValue = options[option];
      return scopeValue === undefined ? [] : [{ scope, scopeValue, option: dashed(option) }];
    }),
    ...(options.all === true ? [{ scope: 'all', scopeValue: null, option: '--all' }] : []),
    ...(options.each === true ? [{ scope: 'each', scopeValue: null, option: '--each' }] : []),
  ];
  const [scope, second] = named;
  if (second !== undefined) {
    const options = named.map(({ option }) => option).join(' and ');
    throw new CliError(`${options} are several scopes: a budget has one.`, 2);
  }
  if (scope !== undefined) return scope;
  if (options.tenant !== undefined) return { scope: 'tenant', scopeValue: null, option: '--tenant' };
  const known = [...SCOPE_OPTIONS.map(([option]) => dashed(option)), '--each', '--all'].join(', ');
  throw new CliError(`Say whose spend it holds: --tenant, or one of ${known}.`, 2);
}

function stepsOf(text: string): string[] {
  return text.split(',').map((step) => step.trim().replace(/ ?%$/, ''));
}

/** Dates alone say that the window is custom. */
function periodOf({ period, from, to }: SettingOptions): string | undefined {
  return period ?? (from === undefined && to === undefined ? undefined : 'custom');
}

function addSettings(command: Command): Command {
  return command
    .option('--steps <percents>', 'soft steps in percent of the limit, such as 50,80,100')
    .option('--period <period>', 'day, week, month, or custom with --from and --to')
    .option('--from <date>', 'first day of a custom window')
    .option('--to <date>', 'last day of a custom window, included')
    .option(
      '--timezone <zone>',
      "IANA time zone of the period; by default the tenant's, UTC over all tenants",
    )
    .option('--name <text>', 'a name for people');
}

function changedBy(context: CliContext): ChangedBy {
  return { actor: actor(context.env), now: context.now() };
}

/** Runs a change in one transaction. */
function changing<T>(context: CliContext, work: (client: ClientBase) => Promise<T>): Promise<T> {
  return withClient(context, (client) => inRepeatableTransaction(client, () => work(client)));
}

/** The tenant that is named, or null for the operator. */
function ownerOf(tenant: string | undefined): string | null {
  if (tenant === '') throw new CliError('--tenant must name a tenant.', 2);
  return tenant ?? null;
}

function whose(id: string, tenant: string | null): string {
  return `Budget ${id}${tenant === null ? '' : ` of ${printable(tenant)}`}`;
}

function registerAdd(budget: Command, context: CliContext): void {
  const add = budget
    .command('add')
    .description('make a budget; harmless to repeat, and running collectors follow at once')
    .argument('<id>', 'its name in labels and URLs: a-z, 0-9, "_", "." and "-"')
    .requiredOption('--limit <usd>', 'USD per period, such as 500 or 12.50')
    .option('--tenant <id>', "whose budget it is; without it the operator's, over all tenants")
    .option('--each', 'for every tenant by itself')
    .option('--all', 'for all tenants together');
  for (const [option, , description] of SCOPE_OPTIONS) add.option(`${dashed(option)} <value>`, description);
  addSettings(add)
    .option('--hard', 'guards refuse calls once the limit is spent; otherwise they only warn')
    .option('--disabled', 'do not look at it yet');
  runs(add, context, async ([id = '']) => {
    const options = add.opts<AddOptions>();
    const { tenant = null, name = null, from = null, to = null, timezone = null } = options;
    const { option, ...scope } = scopeOf(options);
    const request: BudgetRequest = {
      tenant,
      id,
      name,
      ...scope,
      from,
      to,
      timezone,
      period: periodOf(options) ?? 'month',
      limitUsd: options.limit ?? '',
      steps: options.steps === undefined ? DEFAULT_STEPS : stepsOf(options.steps),
      hard: options.hard === true,
      enabled: options.disabled !== true,
    };
    refuse(budgetFaults(request), option);
    const made = await changing(context, (client) => createBudget(client, request, changedBy(context)));
    const state = made.created ? 'is made' : 'exists already';
    context.write(`${whose(id, tenant)} ${state}: ${budgetSentence(made.budget)}.\n`);
    if (!made.tenantRegistered) return;
    context.write('The tenant was not known and is registered, in UTC: "tenant set" gives it a time zone.\n');
  });
}

/** The checks of single fields under the names of options; the rest depends on what is stored. */
function changeFaults(options: SetOptions): BudgetFault[] {
  const given: [BudgetField, string | null][] = [];
  for (const field of ['name', 'period', 'from', 'to', 'timezone'] as const) {
    const value = options[field];
    if (value !== undefined) given.push([field, FIELD_CHECKS[field](value)]);
  }
  if (options.limit !== undefined) given.push(['limit_usd', FIELD_CHECKS.limit_usd(options.limit)]);
  if (options.steps !== undefined) given.push(['steps', FIELD_CHECKS.steps(stepsOf(options.steps))]);
  return given.flatMap(([field, message]) => (message === null ? [] : [{ field, message }]));
}

function changesOf(options: SetOptions): BudgetChanges {
  const { name, from, to, limit, steps, timezone, tenantTimezone, hard, soft, enable, disable } = options;
  return {
    name,
    from,
    to,
    limitUsd: limit,
    period: periodOf(options),
    steps: steps === undefined ? undefined : stepsOf(steps),
    timezone: tenantTimezone === true ? null : timezone,
    hard: hard === true ? true : soft === true ? false : undefined,
    enabled: enable === true ? true : disable === true ? false : undefined,
  };
}

function registerSet(budget: Command, context: CliContext): void {
  const set = budget
    .command('set')
    .description('change a budget; what is not named stays')
    .argument('<id>', 'as "budget list" shows it')
    .option('--tenant <id>', "whose budget it is; without it the operator's")
    .option('--limit <usd>', 'USD per period');
  addSettings(set)
    .addOption(new Option('--tenant-timezone', "the tenant's time zone again").conflicts('timezone'))
    .addOption(new Option('--hard', 'guards refuse calls once the limit is spent').conflicts('soft'))
    .option('--soft', 'guards only warn')
    .addOption(new Option('--enable', 'look at it again').conflicts('disable'))
    .option('--disable', 'keep it, and look at it no more');
  runs(set, context, async ([id = '']) => {
    const options = set.opts<SetOptions>();
    const tenant = ownerOf(options.tenant);
    const changes = changesOf(options);
    if (Object.values(changes).every((value) => value === undefined)) {
      throw new CliError('Say what to change, such as --limit; "budget set --help" lists it.', 2);
    }
    refuse(changeFaults(options));
    const { budget, changed } = await changing(context, (client) =>
      changeBudget(client, { tenant, id }, changes, changedBy(context)),
    );
    const state = changed ? 'is changed' : 'is that already';
    context.write(`${whose(id, tenant)} ${state}: ${budgetSentence(budget)}.\n`);
  });
}

function registerList(budget: Command, context: CliContext): void {
  const list = budget
    .command('list')
    .description("list budgets, the operator's first")
    .addOption(
      new Option('--tenant <id>', "of one tenant, with the operator's that hold for it").conflicts(
        'operator',
      ),
    )
    .option('--operator', "only the operator's")
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(list, context, async () => {
    const { operator, format, ...options } = list.opts<ListOptions>();
    const tenant = operator === true ? '' : ownerOf(options.tenant);
    const { budgets } = await withClient(context, (client) => {
      const query: RowQuery = async <R extends object>(text: string, values: readonly unknown[] = []) =>
        (await client.query<R>(text, [...values])).rows;
      return listBudgets(query, { tenant, after: null, limit: MAX_BUDGETS });
    });
    const text =
      format === 'json'
        ? `${JSON.stringify(budgets.map(budgetJson), null, 2)}\n`
        : budgetTable(budgets, context);
    context.write(text);
  });
}

/** `spanmeter budget list|add|set|remove|status|check`. */
export function registerBudget(program: Command, context: CliContext): void {
  const budget = program
    .command('budget')
    .description('limits on spend: who is warned of or refused, and when');
  registerList(budget, context);
  registerAdd(budget, context);
  registerSet(budget, context);
  registerBudgetStatus(budget, context);
  registerBudgetCheck(budget, context);
  const remove = budget
    .command('remove')
    .description('remove a budget; calls and their costs stay')
    .argument('<id>', 'as "budget list" shows it')
    .option('--tenant <id>', "whose budget it is; without it the operator's");
  runs(remove, context, async ([id = '']) => {
    const tenant = ownerOf(remove.opts<{ tenant?: string }>().tenant);
    await changing(context, (client) => removeBudget(client, { tenant, id }, actor(context.env)));
    context.write(`${whose(id, tenant)} is removed.\n`);
  });
}
