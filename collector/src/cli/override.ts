import type { PriceOverrides } from '@spanmeter/processors';
import { Option, type Command } from 'commander';
import { entriesOf } from '../prices/override-entries.ts';
import { addOverrides, endOverride, listOverrides, type OverrideListing } from '../prices/override-store.ts';
import { readPriceDocument } from '../prices/price-document.ts';
import { DEFAULT_MAX_FILE_BYTES, PriceFilesError, readBounded } from '../prices/price-files.ts';
import { actor, withClient } from './database.ts';
import { CliError, runs, table, type CliContext } from './output.ts';

interface AddOptions {
  readonly tenant?: string;
  readonly note?: string;
}

interface ListOptions {
  readonly tenant?: string;
  readonly operator?: true;
  readonly format: 'table' | 'json';
}

interface EndOptions {
  readonly at?: string;
  readonly force?: true;
}

const MAX_NOTE = 1000;
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Reads a file of entries to store. Rates of its currencies may be stored already. */
async function readEntries(path: string, tenant: string | null): Promise<PriceOverrides> {
  try {
    const bytes = await readBounded(path, DEFAULT_MAX_FILE_BYTES);
    const options = { currencies: 'any', tenants: tenant === null } as const;
    const { overrides, faults, faultCount } = readPriceDocument(path, bytes, options);
    if (faultCount > 0) throw new PriceFilesError(faults, faultCount, null);
    if (tenant === null) return overrides;
    return {
      operator: { prices: [], deployments: [], discounts: [] },
      tenants: new Map([[tenant, overrides.operator]]),
    };
  } catch (error) {
    if (error instanceof PriceFilesError) throw new CliError(error.message, 2, { cause: error });
    throw error;
  }
}

function whose(tenant: string | null): string {
  return tenant === null ? 'every tenant' : tenant;
}

/** Entries as a table. */
export function overrideTable(
  entries: readonly OverrideListing[],
  context: Pick<CliContext, 'columns' | 'colours'>,
): string {
  if (entries.length === 0) return 'No price overrides in the database.\n';
  const columns = ['Id', 'Tenant', 'Kind', 'Provider', 'Model', 'From', 'To', 'Entry', 'Note'];
  const rows = entries.map((entry) => [
    entry.id,
    entry.tenant ?? '(all)',
    entry.kind,
    entry.provider,
    entry.model,
    entry.from ?? '',
    entry.to ?? '',
    JSON.stringify(entry.prices),
    entry.note ?? '',
  ]);
  return table(
    columns.map((title) => ({ title, align: 'left' })),
    rows,
    context,
  );
}

function registerAdd(override: Command, context: CliContext): void {
  const add = override
    .command('add')
    .description('store the entries of a prices file, all or none; running collectors apply them at once')
    .argument('<file>', 'prices, deployments, discounts and currencies, as in a prices file')
    .option('--tenant <id>', 'whose they are; without it they hold for every tenant')
    .option('--note <text>', 'why, for those who look at it later');
  runs(add, context, async ([file = '']) => {
    const { tenant = null, note = null } = add.opts<AddOptions>();
    if (tenant?.trim() === '') throw new CliError('--tenant must name a tenant.', 2);
    if ((note ?? '').length > MAX_NOTE) throw new CliError(`--note has more than ${MAX_NOTE} characters.`, 2);
    const entries = entriesOf(await readEntries(file, tenant));
    if (entries.length === 0) throw new CliError(`${file} has no entry.`, 2);
    const by = { actor: actor(context.env), note };
    const ids = await withClient(context, (client) => addOverrides(client, entries, by));
    const stored = ids.length === 1 ? `entry ${ids[0]}` : `${ids.length} entries, ${ids[0]} to ${ids.at(-1)}`;
    context.write(
      `Stored ${stored}. ${ids.length === 1 ? 'It applies' : 'They apply'} to calls that are priced from now on.\n`,
    );
  });
}

function registerEnd(override: Command, context: CliContext): void {
  const end = override
    .command('end')
    .description('let an entry hold no longer; it stays stored, and what was priced by it stays as it is')
    .argument('<id>', 'as "override list" shows it')
    .option('--at <instant>', 'when it ends; by default now')
    .option('--force', 'also where that is in the past')
    .addHelpText('after', '\nAn entry that has not begun by then is called off.');
  runs(end, context, async ([id = '']) => {
    const { at, force } = end.opts<EndOptions>();
    if (at !== undefined && (!INSTANT.test(at) || Number.isNaN(Date.parse(at)))) {
      throw new CliError('--at must be an instant such as 2026-08-16T16:00:00Z, or a date (UTC).', 2);
    }
    const ended = await withClient(context, (client) =>
      endOverride(client, {
        id,
        // A date alone would be one of the database's own time zone.
        at: at === undefined ? null : at.includes('T') ? at : `${at}T00:00:00Z`,
        force: force === true,
        actor: actor(context.env),
      }),
    );
    const isOff = ended.from !== null && ended.from === ended.to;
    const what = `Entry ${id} (${ended.kind} ${ended.provider} ${ended.model}, ${whose(ended.tenant)})`;
    context.write(isOff ? `${what} is called off.\n` : `${what} ends at ${ended.to}.\n`);
  });
}

/** `spanmeter override add|list|end`. */
export function registerOverride(program: Command, context: CliContext): void {
  const override = program
    .command('override')
    .description("one's own prices, deployments, discounts and currency rates in the database");
  registerAdd(override, context);
  const list = override
    .command('list')
    .description('list entries, the newest first')
    .addOption(new Option('--tenant <id>', 'of one tenant').conflicts('operator'))
    .option('--operator', 'only those that hold for every tenant')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(list, context, async () => {
    const { tenant, operator, format } = list.opts<ListOptions>();
    const of = operator === true ? '' : (tenant ?? null);
    const entries = await withClient(context, (client) => listOverrides(client, of));
    const text =
      format === 'json' ? `${JSON.stringify(entries, null, 2)}\n` : overrideTable(entries, context);
    context.write(text);
  });
  registerEnd(override, context);
}
