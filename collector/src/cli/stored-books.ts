import { parentVersion, priceBookFromContent, type PriceBook } from '@spanmeter/processors';
import type { Client } from 'pg';
import { CliError } from './output.ts';

/** A version as the database has it. */
export interface StoredVersion {
  readonly version: string;
  readonly createdAt: Date;
  /** What the base was generated from; null where the book extends another or cannot be read. */
  readonly source: string | null;
  /** Version of the book that it adds a tenant's layer to. */
  readonly extends: string | null;
  /** Parts of its layers: prices, deployments and discounts. */
  readonly overrides: number;
  /** Calls that name it, where they were counted. */
  readonly calls: number | null;
}

/** Characters of a digest that tell versions apart for people. */
export const SHORT_DIGEST = 12;

interface Content {
  readonly source?: unknown;
  readonly extends?: unknown;
  readonly layers?: unknown;
}

function parsed(content: string): Content {
  try {
    const value: unknown = JSON.parse(content);
    return value !== null && typeof value === 'object' ? value : {};
  } catch {
    return {};
  }
}

function overridesOf(layers: unknown): number {
  if (!Array.isArray(layers)) return 0;
  return layers
    .flatMap((layer: unknown) => (layer !== null && typeof layer === 'object' ? Object.values(layer) : []))
    .reduce((sum: number, part: unknown) => sum + (Array.isArray(part) ? part.length : 0), 0);
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Calls of the last days by the version that they name now; reads every call of that time. */
async function callsByVersion(client: Client, since: Date): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ version: string; calls: string }>(
    `SELECT effective_price_version AS version, count(*)::text AS calls FROM spanmeter.calls_effective
     WHERE started_at >= $1 AND effective_price_version IS NOT NULL GROUP BY 1`,
    [since],
  );
  return new Map(rows.map((row) => [row.version, Number(row.calls)]));
}

/** The newest versions first. Contents are read one by one, since each has some hundred kilobytes. */
export async function listStoredVersions(
  client: Client,
  limit: number,
  callsSince: Date | null,
): Promise<readonly StoredVersion[]> {
  const { rows } = await client.query<{ version: string; created_at: Date }>(
    'SELECT version, created_at FROM spanmeter.price_books ORDER BY created_at DESC, version LIMIT $1',
    [limit],
  );
  const calls = callsSince === null ? null : await callsByVersion(client, callsSince);
  const versions: StoredVersion[] = [];
  for (const { version, created_at: createdAt } of rows) {
    const { source, extends: parent, layers } = parsed((await contentOf(client, version)) ?? '');
    versions.push({
      version,
      createdAt,
      source: textOrNull(source),
      extends: textOrNull(parent),
      overrides: overridesOf(layers),
      calls: calls === null ? null : (calls.get(version) ?? 0),
    });
  }
  return versions;
}

async function contentOf(client: Client, version: string): Promise<string | null> {
  const { rows } = await client.query<{ content: string }>(
    'SELECT content FROM spanmeter.price_books WHERE version = $1',
    [version],
  );
  return rows[0]?.content ?? null;
}

/** The whole version that a prefix of it means. Rejects with CliError where that is none or several. */
async function versionOf(client: Client, prefix: string): Promise<string> {
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) {
    throw new CliError(
      `"${prefix}" is no price book: name a version by 4 hex digits or more, "current" or "shipped".`,
      2,
    );
  }
  const { rows } = await client.query<{ version: string }>(
    'SELECT version FROM spanmeter.price_books WHERE starts_with(version, $1) ORDER BY version LIMIT 6',
    [prefix],
  );
  const [first, ...others] = rows;
  if (first === undefined) {
    throw new CliError(`The database has no price book ${prefix} (spanmeter book list).`);
  }
  if (others.length > 0) {
    const names = rows.map((row) => row.version.slice(0, SHORT_DIGEST)).join(', ');
    throw new CliError(`${prefix} may mean several price books: ${names}.`, 2);
  }
  return first.version;
}

/** The book of a stored version, by a prefix of its digest. Rejects with CliError where it cannot be had. */
export async function loadStoredBook(client: Client, prefix: string): Promise<PriceBook> {
  const version = await versionOf(client, prefix);
  const content = (await contentOf(client, version)) ?? '';
  try {
    const under = parentVersion(content);
    const parent = under === null ? null : await contentOf(client, under);
    return priceBookFromContent(content, { version, ...(parent === null ? {} : { parent }) });
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), 1, { cause: error });
  }
}
