import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { UNPRICED_STATUSES } from './call-spend.ts';
import { isByRow } from './spend-book.ts';
import type { SpendEntry, Sum } from './spend-entry.ts';

/** Column of `spend_rollup` that a scope goes by; null is all rows. */
const COLUMNS: Readonly<Record<string, string | null>> = {
  all: null,
  each: 'tenant_id',
  tenant: 'tenant_id',
  team: 'team',
  feature: 'feature',
  service_name: 'service_name',
  environment: 'environment',
  provider: 'provider',
  model: 'model',
  key: 'key_id',
};

/** What is looked for, one line per entry: its tenant, the value of the dimension, and which of the periods. */
const WANTED = `SELECT e.n, e.wanted ->> 0 AS tenant, e.wanted ->> 1 AS value, p.starts, p.ends
    FROM json_array_elements($1::json) WITH ORDINALITY AS e (wanted, n)
    JOIN unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS p (starts, ends, n)
      ON p.n = (e.wanted ->> 2)::bigint`;

/** Buckets are a quarter of an hour of UTC, so that every zone's midnight is one's start. */
function rollupText(column: string | null): string {
  return `WITH w AS MATERIALIZED (${WANTED})
    SELECT w.n::text, sum(r.cost_usd)::numeric(72, 12)::text,
      coalesce(sum(r.calls) FILTER (WHERE r.cost_status = ANY ($4::text[])), 0)::text
    FROM w JOIN spanmeter.spend_rollup r ON ${column === null ? 'true' : `r.${column} = w.value`}
      AND r.bucket_start >= w.starts AND r.bucket_start < w.ends
      ${column === 'tenant_id' ? '' : `AND (w.tenant = '' OR r.tenant_id = w.tenant)`}
    WHERE r.bucket_start >= $5::timestamptz AND r.bucket_start < $6::timestamptz
    GROUP BY w.n`;
}

const ROW_TEXT = `WITH w AS MATERIALIZED (${WANTED})
  SELECT w.n::text, s.spent_usd::numeric(72, 12)::text, s.unpriced_calls::text
  FROM w JOIN spanmeter.budget_spend s ON s.tenant_id = w.tenant AND s.budget_id = w.value
    AND s.period_start = w.starts`;

type SumRow = readonly [string, string, string];

/** Twelve decimals, as the statements cast it. */
function sumOf([, cost, unpriced]: SumRow): Sum {
  return { picoUsd: BigInt(cost.replace('.', '')), unpricedCalls: Number(unpriced) };
}

/** Of the periods that an entry adds up: the current, or what is dated into the next already. */
type Which = 'current' | 'next';

interface Asked {
  /** For `$1` of `WANTED`. */
  readonly wanted: string;
  readonly starts: readonly string[];
  readonly ends: readonly string[];
  readonly entries: readonly SpendEntry[];
}

/** Thousands of entries share few periods, so that each names its own by number. */
function askedOf(entries: readonly SpendEntry[], which: Which): Asked {
  const numbers = new Map<string, number>();
  const [starts, ends]: [string[], string[]] = [[], []];
  const asking = entries.filter(({ clock }) => clock[which] !== null);
  const wanted = asking.map(({ clock, budget, tenantId }) => {
    const { startMs, endMs } = clock[which] ?? { startMs: 0, endMs: 0 };
    const key = `${startMs}/${endMs}`;
    let number = numbers.get(key);
    if (number === undefined) {
      starts.push(new Date(startMs).toISOString());
      number = ends.push(new Date(endMs).toISOString());
      numbers.set(key, number);
    }
    if (isByRow(budget)) return [budget.tenantId, budget.id, number];
    const isWhole = COLUMNS[budget.scope] === 'tenant_id';
    return [tenantId, isWhole ? tenantId : budget.scopeValue, number];
  });
  return { wanted: JSON.stringify(wanted), starts, ends, entries: asking };
}

function least(texts: readonly string[]): string {
  return texts.reduce((a, b) => (a < b ? a : b), '9999');
}

function greatest(texts: readonly string[]): string {
  return texts.reduce((a, b) => (a > b ? a : b), '');
}

/** Rows of thousands of entries are added in slices, so that others get a turn. */
const SLICE = 2_000;

async function addAsked(
  client: ClientBase,
  text: string,
  asked: Asked,
  more: readonly unknown[],
  which: Which,
): Promise<void> {
  if (asked.entries.length === 0) return;
  const values = [asked.wanted, asked.starts, asked.ends, ...more];
  const { rows } = await client.query<unknown[]>({ text, values, rowMode: 'array' });
  for (const [index, row] of (rows as unknown as SumRow[]).entries()) {
    asked.entries[Number(row[0]) - 1]?.addSum(which, sumOf(row));
    if (index % SLICE === SLICE - 1) await nextTurn();
  }
}

async function addRollups(
  client: ClientBase,
  column: string | null,
  entries: readonly SpendEntry[],
): Promise<void> {
  for (const which of ['current', 'next'] as const) {
    const asked = askedOf(entries, which);
    const more = [UNPRICED_STATUSES, least(asked.starts), greatest(asked.ends)];
    await addAsked(client, rollupText(column), asked, more, which);
  }
}

async function addRowSpend(client: ClientBase, entries: readonly SpendEntry[]): Promise<void> {
  for (const which of ['current', 'next'] as const) {
    await addAsked(client, ROW_TEXT, askedOf(entries, which), [], which);
  }
}

/**
 * Adds what the store has of every entry, in the snapshot of the caller's transaction: one statement per kind of
 * period and dimension in use, whatever the number of tenants and zones.
 */
export async function addStoredSums(client: ClientBase, entries: Iterable<SpendEntry>): Promise<void> {
  const groups = new Map<string, { readonly column: string | null; readonly entries: SpendEntry[] }>();
  const byRow: SpendEntry[] = [];
  for (const entry of entries) {
    const { budget } = entry;
    if (isByRow(budget)) {
      byRow.push(entry);
      continue;
    }
    const column = COLUMNS[budget.scope] ?? null;
    const key = `${column ?? ''}/${budget.period}`;
    const group = groups.get(key) ?? { column, entries: [] };
    groups.set(key, group);
    group.entries.push(entry);
  }
  for (const group of groups.values()) await addRollups(client, group.column, group.entries);
  if (byRow.length > 0) await addRowSpend(client, byRow);
}
