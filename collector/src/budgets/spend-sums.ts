import type { ClientBase } from 'pg';
import type { PeriodBounds } from './budget.ts';
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

const SUMMED = (condition: string): string =>
  `coalesce(sum(r.cost_usd) FILTER (WHERE ${condition}), 0)::numeric(72, 12)::text,
   coalesce(sum(r.calls) FILTER (WHERE ${condition} AND r.cost_status = ANY ($7::text[])), 0)::text`;

/** Buckets are a quarter of an hour of UTC, so that every zone's midnight is one's start. */
function rollupText(column: string | null): string {
  return `SELECT w.n::text, ${SUMMED('r.bucket_start < w.ends')}, ${SUMMED('r.bucket_start >= w.next_starts')}
    FROM ROWS FROM (unnest($1::text[]), unnest($2::text[]), unnest($3::timestamptz[]), unnest($4::timestamptz[]),
      unnest($5::timestamptz[]), unnest($6::timestamptz[]))
      WITH ORDINALITY AS w (tenant, value, starts, ends, next_starts, next_ends, n)
    JOIN spanmeter.spend_rollup r ON ${column === null ? 'true' : `r.${column} = w.value`}
      AND r.bucket_start >= w.starts AND r.bucket_start < w.next_ends
      AND (w.tenant = '' OR r.tenant_id = w.tenant)
    WHERE r.bucket_start >= $8::timestamptz
    GROUP BY w.n`;
}

const ROW_TEXT = `SELECT w.n::text,
    coalesce(sum(s.spent_usd) FILTER (WHERE s.period_start = w.starts), 0)::numeric(72, 12)::text,
    coalesce(sum(s.unpriced_calls) FILTER (WHERE s.period_start = w.starts), 0)::text,
    coalesce(sum(s.spent_usd) FILTER (WHERE s.period_start = w.next_starts), 0)::numeric(72, 12)::text,
    coalesce(sum(s.unpriced_calls) FILTER (WHERE s.period_start = w.next_starts), 0)::text
  FROM ROWS FROM (unnest($1::text[]), unnest($2::text[]), unnest($3::timestamptz[]), unnest($4::timestamptz[]))
    WITH ORDINALITY AS w (tenant, id, starts, next_starts, n)
  JOIN spanmeter.budget_spend s ON s.tenant_id = w.tenant AND s.budget_id = w.id
    AND s.period_start IN (w.starts, w.next_starts)
  GROUP BY w.n`;

type SumRow = readonly [string, string, string, string, string];

/** Twelve decimals, as the statements cast it. */
function pico(text: string): bigint {
  return BigInt(text.replace('.', ''));
}

function sumOf(cost: string, unpriced: string): Sum {
  return { picoUsd: pico(cost), unpricedCalls: Number(unpriced) };
}

function addRows(entries: readonly SpendEntry[], rows: readonly SumRow[]): void {
  for (const [n, cost, unpriced, nextCost, nextUnpriced] of rows) {
    entries[Number(n) - 1]?.addSums(sumOf(cost, unpriced), sumOf(nextCost, nextUnpriced));
  }
}

const texts = new Map<number, string>();
const MAX_TEXTS = 10_000;

/** Thousands of entries share few bounds. */
function iso(ms: number): string {
  const known = texts.get(ms);
  if (known !== undefined) return known;
  if (texts.size >= MAX_TEXTS) texts.clear();
  const text = new Date(ms).toISOString();
  texts.set(ms, text);
  return text;
}

interface Stretch {
  readonly starts: string;
  readonly ends: string;
  readonly nextStarts: string;
  readonly nextEnds: string;
}

/** The current period and the next; one that is not there is empty. */
function stretchOf(current: PeriodBounds | null, next: PeriodBounds | null): Stretch {
  const startMs = current?.startMs ?? next?.startMs ?? 0;
  const endMs = current?.endMs ?? startMs;
  return {
    starts: iso(startMs),
    ends: iso(endMs),
    nextStarts: iso(next?.startMs ?? endMs),
    nextEnds: iso(next?.endMs ?? endMs),
  };
}

async function addRollups(
  client: ClientBase,
  column: string | null,
  entries: readonly SpendEntry[],
): Promise<void> {
  const stretches = entries.map(({ clock }) => stretchOf(clock.current, clock.next));
  const first = stretches.reduce((least, { starts }) => (starts < least ? starts : least), '9');
  const values = [
    // The whole of a tenant is found by its value alone.
    entries.map(({ tenantId }) => (column === 'tenant_id' ? '' : tenantId)),
    entries.map(({ budget, tenantId }) => (column === 'tenant_id' ? tenantId : (budget.scopeValue ?? ''))),
    stretches.map(({ starts }) => starts),
    stretches.map(({ ends }) => ends),
    stretches.map(({ nextStarts }) => nextStarts),
    stretches.map(({ nextEnds }) => nextEnds),
    UNPRICED_STATUSES,
    first,
  ];
  const { rows } = await client.query<unknown[]>({ text: rollupText(column), values, rowMode: 'array' });
  addRows(entries, rows as unknown as SumRow[]);
}

async function addRowSpend(client: ClientBase, entries: readonly SpendEntry[]): Promise<void> {
  const stretches = entries.map(({ clock }) => stretchOf(clock.current, clock.next));
  const values = [
    entries.map(({ budget }) => budget.tenantId),
    entries.map(({ budget }) => budget.id),
    stretches.map(({ starts }) => starts),
    stretches.map(({ nextStarts }) => nextStarts),
  ];
  const { rows } = await client.query<unknown[]>({ text: ROW_TEXT, values, rowMode: 'array' });
  addRows(entries, rows as unknown as SumRow[]);
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
