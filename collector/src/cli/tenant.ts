import { Option, type Command } from 'commander';
import { setTenantZone } from '../budgets/tenant-zone.ts';
import { createTenant, listTenants, type Tenant } from '../keys/tenant-store.ts';
import { inTransaction } from '../keys/transaction.ts';
import { actor, withClient } from './database.ts';
import { printable, runs, table, type CliContext } from './output.ts';

interface CreateOptions {
  readonly name?: string;
  readonly timezone: string;
  readonly currency: string;
}

interface ListOptions {
  readonly format: 'table' | 'json';
}

/** Tenants as a table. */
export function tenantTable(
  tenants: readonly Tenant[],
  context: Pick<CliContext, 'columns' | 'colours'>,
): string {
  if (tenants.length === 0) return 'No tenants yet.\n';
  const columns = ['Tenant', 'Name', 'Time zone', 'Currency', 'Status', 'Created'];
  const rows = tenants.map((tenant) => [
    tenant.id,
    tenant.name ?? '',
    tenant.timezone,
    tenant.currency,
    tenant.status,
    tenant.createdAt.toISOString().slice(0, 10),
  ]);
  return table(
    columns.map((title) => ({ title, align: 'left' })),
    rows,
    context,
  );
}

function registerSet(tenant: Command, context: CliContext): void {
  const set = tenant
    .command('set')
    .description('change a tenant; running collectors follow at once')
    .argument('<id>', 'as senders and keys name it')
    .requiredOption('--timezone <zone>', 'IANA time zone of its days and months')
    .addHelpText('after', '\nReports form days and months in the new zone, of earlier calls too.');
  runs(set, context, async ([id = '']) => {
    const { timezone } = set.opts<{ timezone: string }>();
    const by = { actor: actor(context.env), now: context.now() };
    const { changed } = await withClient(context, (client) =>
      inTransaction(client, () => setTenantZone(client, id, timezone, by)),
    );
    const state = changed ? 'has the time zone' : 'has this time zone already:';
    context.write(`Tenant ${printable(id)} ${state} ${timezone}.\n`);
  });
}

/** `spanmeter tenant create|set|list`. */
export function registerTenant(program: Command, context: CliContext): void {
  const tenant = program.command('tenant').description('tenants: who spend is kept apart for');
  const create = tenant
    .command('create')
    .description('make a tenant; harmless to repeat')
    .argument('<id>', 'as senders and keys name it')
    .option('--name <text>', 'a name for people')
    .option('--timezone <zone>', 'IANA time zone of its days and months', 'UTC')
    .option('--currency <code>', 'ISO 4217 code', 'USD');
  runs(create, context, async ([id = '']) => {
    const { name = null, timezone, currency } = create.opts<CreateOptions>();
    const request = { id, name, timezone, currency };
    const made = await withClient(context, (client) => createTenant(client, request, actor(context.env)));
    const state = made.created ? 'is created' : 'exists already';
    context.write(`Tenant ${made.tenant.id} ${state} (${timezone}, ${currency}).\n`);
  });

  registerSet(tenant, context);
  const list = tenant
    .command('list')
    .description('list tenants')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(list, context, async () => {
    const { format } = list.opts<ListOptions>();
    const tenants = await withClient(context, listTenants);
    context.write(
      format === 'json' ? `${JSON.stringify(tenants, null, 2)}\n` : tenantTable(tenants, context),
    );
  });
}
