import {
  ACCEPTED_FINDINGS,
  BASE_PRICES,
  checkBook,
  checkOverlay,
  createPriceBook,
  diffBooks,
  everyBook,
  isFatal,
  modelCount,
  newFindings,
  OVERLAY,
  type BookFinding,
  type ModelDiff,
  type PriceBook,
  type PriceFinding,
  type TenantBooks,
} from '@spanmeter/processors';
import { Option, type Command } from 'commander';
import { bookDiffTable } from './book-diff-table.ts';
import { addBookOptions, currentPricing, type BookOptions } from './books.ts';
import { withClient } from './database.ts';
import { bold, CliError, grouped, printable, runs, table } from './output.ts';
import type { CliContext, Column } from './output.ts';
import { listStoredVersions, loadStoredBook, SHORT_DIGEST, type StoredVersion } from './stored-books.ts';
import { filledText } from './text-block.ts';

const DAY_MS = 86_400_000;
const MICROS_PER_MS = 1000;

type Format = 'table' | 'json';

function formatOption(): Option {
  return new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table');
}

function short(version: string): string {
  return version.slice(0, SHORT_DIGEST);
}

interface ListOptions extends BookOptions {
  readonly format: Format;
  readonly limit: string;
  readonly calls?: string;
}

function whole(text: string, option: string, most: number): number {
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value >= 1 && value <= most) return value;
  throw new CliError(`--${option} must be a number from 1 to ${most}.`, 2);
}

function minuteOf(at: Date): string {
  return at.toISOString().slice(0, 16).replace('T', ' ');
}

interface NamedVersion extends Omit<StoredVersion, 'createdAt'> {
  /** `current`, `current, a tenant's`, `shipped`; empty for what nobody prices by now. */
  readonly name: string;
  /** Null where the database does not have it. */
  readonly createdAt: Date | null;
}

/** Parts of the layer that a book adds. */
function overrideCount(book: PriceBook): number {
  const layer = book.layers.at(-1);
  if (layer === undefined) return 0;
  return layer.prices.length + layer.deployments.length + layer.discounts.length;
}

/** The stored versions with the names that they have now, led by what is current and not stored yet. */
function named(stored: readonly StoredVersion[], books: TenantBooks): NamedVersion[] {
  const [shared, ...own] = everyBook(books);
  const names = new Map<string, string[]>();
  const call = (book: PriceBook | undefined, name: string): void => {
    if (book !== undefined) names.set(book.version, [...(names.get(book.version) ?? []), name]);
  };
  call(createPriceBook({ layers: [{ prices: [], deployments: [], discounts: [] }] }), 'shipped');
  call(shared, 'current');
  for (const book of own) call(book, "current, a tenant's");
  const known = new Set(stored.map((each) => each.version));
  const current = everyBook(books).filter((book) => !known.has(book.version));
  return [
    ...current.map((book) => ({
      version: book.version,
      name: (names.get(book.version) ?? []).join(', '),
      createdAt: null,
      source: book.source,
      extends: book === shared ? null : (shared?.version ?? null),
      overrides: overrideCount(book),
      calls: null,
    })),
    ...stored.map((each) => ({ ...each, name: (names.get(each.version) ?? []).join(', ') })),
  ];
}

function listTable(versions: readonly NamedVersion[], context: CliContext, counted: boolean): string {
  const columns: Column[] = [
    { title: 'Version', align: 'left' },
    { title: 'Stored (UTC)', align: 'left' },
    { title: 'Based on', align: 'left' },
    { title: 'Own', align: 'right' },
    ...(counted ? [{ title: 'Calls', align: 'right' } as const] : []),
    { title: 'Name', align: 'left' },
  ];
  const rows = versions.map((each) => [
    short(each.version),
    each.createdAt === null ? 'not yet' : minuteOf(each.createdAt),
    each.extends === null ? (each.source?.replace(/^@[^/]*\//, '') ?? '?') : `+ ${short(each.extends)}`,
    String(each.overrides),
    ...(counted ? [each.calls === null ? '' : grouped(String(each.calls))] : []),
    each.name,
  ]);
  return table(columns, rows, context);
}

async function list(options: ListOptions, context: CliContext): Promise<void> {
  const limit = whole(options.limit, 'limit', 1000);
  const days = options.calls === undefined ? null : whole(options.calls, 'calls', 366);
  const since = days === null ? null : new Date(context.now().getTime() - days * DAY_MS);
  const { stored, books } = await withClient(context, async (client) => ({
    books: (await currentPricing(options, context, client)).books,
    stored: await listStoredVersions(client, limit, since),
  }));
  const versions = named(stored, books);
  if (options.format === 'table') return context.write(listTable(versions, context, days !== null));
  const rows = versions.map((each) => ({
    version: each.version,
    name: each.name === '' ? null : each.name,
    created_at: each.createdAt?.toISOString() ?? null,
    source: each.source,
    extends: each.extends,
    overrides: each.overrides,
    ...(days === null ? {} : { calls: each.calls }),
  }));
  return context.write(`${JSON.stringify(rows, null, 2)}\n`);
}

interface DiffOptions extends BookOptions {
  readonly format: Format;
  readonly provider?: string;
  readonly model?: string;
  readonly tenant?: string;
  readonly exitCode?: true;
}

/** Today's books with the database's entries where there is a database, else by the files alone. */
async function currentBooks(options: BookOptions, context: CliContext): Promise<TenantBooks> {
  try {
    return await withClient(
      context,
      async (client) => (await currentPricing(options, context, client)).books,
    );
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== 1) throw error;
    context.warn(`warning: without the entries of a database: ${error.message}\n`);
    return (await currentPricing(options, context, null)).books;
  }
}

/** The book of a name: `current` and `shipped` need no database. */
async function bookOf(name: string, options: DiffOptions, context: CliContext): Promise<PriceBook> {
  if (name === 'shipped')
    return createPriceBook({ layers: [{ prices: [], deployments: [], discounts: [] }] });
  if (name === 'current') {
    const books = await currentBooks(options, context);
    return options.tenant === undefined ? books.shared : books.of(options.tenant);
  }
  return withClient(context, (client) => loadStoredBook(client, name.toLowerCase()));
}

function diffJson(before: PriceBook, after: PriceBook, models: readonly ModelDiff[]): string {
  const answer = { before: before.version, after: after.version, equal: models.length === 0, models };
  return `${JSON.stringify(answer, null, 2)}\n`;
}

async function diff(operands: readonly string[], options: DiffOptions, context: CliContext): Promise<void> {
  const [left = '', right = ''] = operands;
  const before = await bookOf(left, options, context);
  const after = await bookOf(right, options, context);
  const models =
    before.version === after.version
      ? []
      : diffBooks(before, after, { provider: options.provider, model: options.model });
  if (options.format === 'json') context.write(diffJson(before, after, models));
  else {
    context.write(
      `${bold(`${printable(left)} (${short(before.version)}) -> ${printable(right)} (${short(after.version)})`, context.colours)}\n\n`,
    );
    context.write(bookDiffTable(models, context));
  }
  if (options.exitCode === true && models.length > 0) context.setExitCode(1);
}

interface CheckOptions extends BookOptions {
  readonly format: Format;
  readonly at?: string;
  readonly all?: true;
}

/** Where the shipped lists and their reviewed corrections disagree, apart from what somebody has decided. */
function shippedFindings(all: boolean): readonly PriceFinding[] {
  const found = checkOverlay(BASE_PRICES, OVERLAY);
  return all ? found : newFindings(found, ACCEPTED_FINDINGS);
}

/** Looks every book over: the shared one whole, of a tenant's only what it adds. */
function findingsOf(books: TenantBooks, atMs: number): readonly BookFinding[] {
  const atMicros = atMs * MICROS_PER_MS;
  return everyBook(books).flatMap((book) =>
    checkBook(book, { atMicros, lastLayerOnly: book !== books.shared }),
  );
}

async function check(options: CheckOptions, context: CliContext): Promise<void> {
  const at = options.at === undefined ? context.now() : new Date(options.at);
  if (Number.isNaN(at.getTime())) throw new CliError(`--at "${String(options.at)}" is no instant.`, 2);
  const books = await currentBooks(options, context);
  const findings = findingsOf(books, at.getTime());
  const shipped = shippedFindings(options.all === true);
  const failed = findings.some((finding) => finding.level === 'error') || shipped.some(isFatal);
  if (failed) context.setExitCode(1);
  if (options.format === 'json') {
    context.write(`${JSON.stringify({ version: books.shared.version, findings, shipped }, null, 2)}\n`);
    return;
  }
  for (const { kind, subject, text } of shipped) {
    context.write(filledText(printable(`shipped: ${kind}: ${subject}: ${text}`), context.columns));
  }
  for (const { level, provider, model, layer, message } of findings) {
    const whose = layer === 'list' ? '' : ` (${layer})`;
    const line = `${level}: ${provider} ${model}${whose} ${message}`;
    context.write(filledText(printable(line), context.columns));
  }
  const count = (level: BookFinding['level']): string => {
    const found = findings.filter((finding) => finding.level === level).length;
    return `${found} ${level}${found === 1 ? '' : 's'}`;
  };
  const tenants = everyBook(books).length - 1;
  context.write(
    `${findings.length + shipped.length === 0 ? '' : '\n'}Book ${short(books.shared.version)}: ${grouped(String(modelCount(books.shared)))} ` +
      `models on ${books.shared.lists.size} lists, ${tenants} ${tenants === 1 ? 'tenant' : 'tenants'} with prices ` +
      `of their own.\n${count('error')}, ${count('warning')}, ${count('note')}.\n`,
  );
}

/** `spanmeter book`: which price books there are, how two differ, and what is wrong with today's. */
export function registerBook(program: Command, context: CliContext): void {
  const book = program.command('book').description('price books: list, compare and check them');

  const listing = book
    .command('list')
    .description('versions that calls were priced by, and the one that prices now')
    .option('--limit <count>', 'how many of the newest', '50')
    .option('--calls <days>', 'count the calls of the last days that name each (reads them all)')
    .addOption(formatOption());
  addBookOptions(listing);
  runs(listing, context, () => list(listing.opts<ListOptions>(), context));

  const diffing = book
    .command('diff')
    .description('what differs between two versions')
    .argument('<before>', 'digest, or enough of it; "current" or "shipped"')
    .argument('<after>', 'likewise')
    .option('--provider <name>', 'one provider only')
    .option('--model <id>', 'one model only; * stands for any letters')
    .option('--tenant <id>', 'whose prices "current" means')
    .option('--exit-code', 'exit with 1 where they differ')
    .addOption(formatOption());
  addBookOptions(diffing);
  runs(diffing, context, (operands) => diff(operands, diffing.opts<DiffOptions>(), context));

  const checking = book
    .command('check')
    .description('what would leave calls without a price, or give them another than was meant')
    .option('--at <instant>', 'the time to look at instead of now')
    .option('--all', 'also where base and corrections differ as reviewed')
    .addOption(formatOption());
  addBookOptions(checking);
  runs(checking, context, () => check(checking.opts<CheckOptions>(), context));
}
