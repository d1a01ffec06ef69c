import { Option, type Command } from 'commander';
import { parseExpiry } from '../keys/expiry.ts';
import {
  createKey,
  listKeys,
  revokeKey,
  rotateKey,
  type CreatedKey,
  type KeyListing,
} from '../keys/store.ts';
import { KEY_ROLES, type KeyRole } from '../keys/stored-key.ts';
import { actor, withClient } from './database.ts';
import { CliError, runs, table, type CliContext } from './output.ts';

interface CreateOptions {
  readonly tenant?: string;
  readonly team?: string;
  readonly role: KeyRole;
  readonly expires?: string;
}

interface ListOptions {
  readonly tenant?: string;
  readonly format: 'table' | 'json';
}

interface RotateOptions {
  readonly expires?: string;
  readonly oldExpires?: string;
}

const EXPIRES = 'when it stops working: 12h, 90d, 8w, a date or an ISO instant';

function expiry(text: string | undefined, now: Date): Date | null {
  if (text === undefined) return null;
  const at = parseExpiry(text, now);
  if (at === null) throw new CliError(`"${text}" is not a time to come, such as 90d or 2027-01-31.`, 2);
  return at;
}

/** What a key is for, in words. */
export function describeKey(key: KeyListing): string {
  const tenant = key.tenant === null ? 'all tenants' : `tenant ${key.tenant}`;
  const team = key.team === null ? '' : `, team ${key.team}`;
  const expires = key.expiresAt === null ? 'never expires' : `expires ${key.expiresAt.toISOString()}`;
  return `${key.id} (${key.role}, ${tenant}${team}, ${expires})`;
}

/** The key alone goes to standard output, so that a script can take it; the words go beside it. */
function show(context: CliContext, key: CreatedKey, more: string): void {
  context.warn(`Key ${describeKey(key)}. It is shown only this once:\n`);
  context.write(`${key.key}\n`);
  if (more !== '') context.warn(`${more}\n`);
}

function stateOf(key: KeyListing, now: Date): string {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'active';
}

/** Keys as a table; never more of a key than its last four characters. */
export function keyTable(
  keys: readonly KeyListing[],
  now: Date,
  context: Pick<CliContext, 'columns' | 'colours'>,
): string {
  if (keys.length === 0) return 'No keys yet.\n';
  const columns = ['Key', 'Ends in', 'Role', 'Tenant', 'Team', 'State', 'Expires'];
  const rows = keys.map((key) => [
    key.id,
    key.hint ?? '',
    key.role,
    key.tenant ?? '(all)',
    key.team ?? '',
    stateOf(key, now),
    key.expiresAt?.toISOString().slice(0, 10) ?? 'never',
  ]);
  return table(
    columns.map((title) => ({ title, align: 'left' })),
    rows,
    context,
  );
}

function registerCreate(key: Command, context: CliContext): void {
  const create = key
    .command('create')
    .description('make a key; it is printed once')
    .option('--tenant <id>', 'tenant it belongs to')
    .option('--team <name>', 'team that its calls belong to (ingest keys)')
    .addOption(new Option('--role <role>', 'what it may do').choices(KEY_ROLES).default('ingest'))
    .option('--expires <when>', EXPIRES);
  runs(create, context, async () => {
    const { tenant = null, team = null, role, expires } = create.opts<CreateOptions>();
    const request = { role, tenant, team, expiresAt: expiry(expires, context.now()) };
    const made = await withClient(context, (client) => createKey(client, request, actor(context.env)));
    show(context, made, '');
  });
}

function registerRotate(key: Command, context: CliContext): void {
  const rotate = key
    .command('rotate')
    .description('make a second key like an existing one; both work until the old one ends')
    .argument('<id>', 'public id, such as k_0123456789abcdef')
    .option('--expires <when>', EXPIRES)
    .option('--old-expires <when>', 'when the old key stops working; without it, when it is revoked');
  runs(rotate, context, async ([id = '']) => {
    const { expires, oldExpires } = rotate.opts<RotateOptions>();
    const now = context.now();
    const times = { expiresAt: expiry(expires, now), oldExpiresAt: expiry(oldExpires, now) };
    const made = await withClient(context, (client) => rotateKey(client, id, times, actor(context.env)));
    const until =
      times.oldExpiresAt === null ? `spanmeter key revoke ${id}` : times.oldExpiresAt.toISOString();
    show(context, made, `The old key ${id} works until: ${until}`);
  });
}

/** `spanmeter key create|list|rotate|revoke`. */
export function registerKey(program: Command, context: CliContext): void {
  const key = program.command('key').description('API keys: who may send and who may read');
  registerCreate(key, context);
  registerRotate(key, context);

  const list = key
    .command('list')
    .description('list keys, newest first')
    .option('--tenant <id>', 'of one tenant')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(list, context, async () => {
    const { tenant = null, format } = list.opts<ListOptions>();
    const keys = await withClient(context, (client) => listKeys(client, tenant));
    const json = (): string => `${JSON.stringify(keys, null, 2)}\n`;
    context.write(format === 'json' ? json() : keyTable(keys, context.now(), context));
  });

  const revoke = key
    .command('revoke')
    .description('stop a key at once; harmless to repeat')
    .argument('<id>', 'public id, such as k_0123456789abcdef');
  runs(revoke, context, async ([id = '']) => {
    const revoked = await withClient(context, (client) => revokeKey(client, id, actor(context.env)));
    context.write(revoked ? `Key ${id} is revoked.\n` : `Key ${id} was revoked already.\n`);
  });
}
