import type { Range } from './range.ts';
import type { Reading } from './reader.ts';
import { callsAsOf, rollupsAsOf, type AsOf, type SourceScope } from './spend-as-of.ts';

/** [contract] What spend can be grouped by. */
export const GROUP_KEYS = [
  'tenant',
  'team',
  'user',
  'feature',
  'service_name',
  'environment',
  'provider',
  'model',
  'key',
  'day',
  'month',
] as const;
export type GroupKey = (typeof GROUP_KEYS)[number];

/** Dimensions that spend can be narrowed to. */
export const SPEND_FILTERS = [
  'provider',
  'model',
  'service_name',
  'environment',
  'team',
  'feature',
  'key',
  'user',
] as const;
export type SpendFilter = (typeof SPEND_FILTERS)[number];

/** Sums over billable calls: every status but `duplicate` and `not_billable`. */
export interface SpendSums {
  /** Exact decimal USD, corrections included. */
  readonly cost_usd: string;
  readonly calls: number;
  /** Billable calls that ended in an error. */
  readonly errors: number;
  /** Billable calls whose cost is not known; their cost is in no sum. */
  readonly unpriced_calls: number;
  /** Billable calls whose token counts are estimates, and the part of the cost that is theirs. */
  readonly estimated_calls: number;
  readonly estimated_cost_usd: string;
  readonly input_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
}

export interface SpendRow extends SpendSums {
  /** One value per group key, null where the calls have none. */
  readonly group: Readonly<Partial<Record<GroupKey, string | null>>>;
}

export interface Spend {
  readonly rows: readonly SpendRow[];
  readonly total: SpendSums;
  /** Whether rows were left out; the total always has all. */
  readonly truncated: boolean;
}

export interface SpendRequest {
  readonly range: Range;
  readonly groupBy: readonly GroupKey[];
  readonly filters?: Readonly<Partial<Record<SpendFilter, string | undefined>>>;
  readonly maxRows?: number;
  /** Spend as it stood at an instant instead of as it stands. */
  readonly asOf?: AsOf | null;
}

/** The statuses of calls that should have a cost and have none. */
export const UNPRICED_STATUSES = [
  'unpriced_model',
  'unpriced_dimension',
  'invalid_usage',
  'missing_usage',
] as const;

const MAX_ROWS = 10_000;

interface Source {
  readonly from: string;
  readonly at: string;
  readonly status: string;
  readonly calls: string;
  readonly errors: string;
  readonly cost: string;
  readonly estimatedCalls: string;
  readonly estimatedCost: string;
}

const ROLLUP: Source = {
  from: 'spanmeter.spend_rollup',
  at: 'bucket_start',
  status: 'cost_status',
  calls: 'calls',
  errors: 'errors',
  cost: 'cost_usd',
  estimatedCalls: 'estimated_calls',
  estimatedCost: 'estimated_cost_usd',
};

/** Users are never in rollups: whoever groups by them reads the calls. */
const CALLS: Source = {
  from: 'spanmeter.calls_effective',
  at: 'started_at',
  status: 'effective_status',
  calls: '1',
  errors: '(error_type IS NOT NULL)::int',
  cost: 'coalesce(effective_cost_usd, 0)',
  estimatedCalls: "(usage_source = 'estimated')::int",
  estimatedCost: "CASE WHEN usage_source = 'estimated' THEN coalesce(effective_cost_usd, 0) ELSE 0 END",
};

const TOKENS = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
] as const;

/** Columns under another name than their key. */
const RENAMED: Readonly<Partial<Record<GroupKey | SpendFilter, string>>> = {
  tenant: 'tenant_id',
  user: 'user_id',
  key: 'key_id',
};

function columnOf(key: GroupKey | SpendFilter, source: Source): string {
  if (key === 'day') return `to_char(${source.at} AT TIME ZONE $3::text, 'YYYY-MM-DD')`;
  if (key === 'month') return `to_char(${source.at} AT TIME ZONE $3::text, 'YYYY-MM')`;
  return RENAMED[key] ?? key;
}

function sourceOf(
  reading: Reading,
  asOf: AsOf | null,
  current: Source,
  place: (value: unknown) => string,
): Source {
  if (asOf === null || asOf.current) return current;
  const tenant = reading.tenant === null ? null : place(reading.tenant);
  const scope: SourceScope = { from: '$1::timestamptz', to: '$2::timestamptz', tenant };
  const from = current === CALLS ? callsAsOf(asOf, scope, place) : rollupsAsOf(asOf, scope, place);
  return { ...current, from };
}

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The total comes from the same scan as the rows (GROUPING SETS), so that both are of one moment. */
function spendStatement(reading: Reading, request: SpendRequest, maxRows: number): Statement {
  const filters = SPEND_FILTERS.filter((name) => request.filters?.[name] !== undefined);
  const values: unknown[] = [request.range.from, request.range.to, reading.timezone, UNPRICED_STATUSES];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const source = sourceOf(reading, request.asOf ?? null, readsCalls(request) ? CALLS : ROLLUP, place);
  const wanted = filters.map((name) => `AND ${columnOf(name, source)} = ${place(request.filters?.[name])}`);
  if (reading.tenant !== null) wanted.push(`AND tenant_id = ${place(reading.tenant)}`);
  const names = request.groupBy.map((key) => `"${key}"`);
  const set = names.join(', ');
  const time = request.groupBy.filter((key) => key === 'day' || key === 'month').map((key) => `"${key}"`);
  const order = ['is_total DESC', ...time, 'sum(cost) DESC', 'sum(calls) DESC', ...names].join(', ');
  const text = `
    SELECT ${names.length === 0 ? '1' : `GROUPING(${set})`} AS is_total${names.map((name) => `, ${name}`).join('')},
      coalesce(sum(cost), 0)::numeric(60, 12)::text AS cost_usd, coalesce(sum(calls), 0)::text AS calls,
      coalesce(sum(errors), 0)::text AS errors,
      coalesce(sum(calls) FILTER (WHERE status = ANY ($4::text[])), 0)::text AS unpriced_calls,
      coalesce(sum(estimated_calls), 0)::text AS estimated_calls,
      coalesce(sum(estimated_cost), 0)::numeric(60, 12)::text AS estimated_cost_usd,
      ${TOKENS.map((name) => `coalesce(sum(${name}), 0)::text AS ${name}`).join(', ')}
    FROM (
      SELECT ${request.groupBy.map((key) => `${columnOf(key, source)} AS "${key}", `).join('')}
        ${source.status} AS status, ${source.calls} AS calls, ${source.errors} AS errors, ${source.cost} AS cost,
        ${source.estimatedCalls} AS estimated_calls, ${source.estimatedCost} AS estimated_cost,
        ${TOKENS.join(', ')}
      FROM ${source.from}
      WHERE ${source.at} >= $1::timestamptz AND ${source.at} < $2::timestamptz AND $3::text IS NOT NULL
        AND ${source.status} NOT IN ('duplicate', 'not_billable') ${wanted.join(' ')}
    ) AS billable
    ${names.length === 0 ? '' : `GROUP BY GROUPING SETS ((${set}), ())`}
    HAVING ${names.length === 0 ? 'true' : `GROUPING(${set}) > 0 OR sum(calls) <> 0 OR sum(cost) <> 0`}
    ORDER BY ${order}
    LIMIT ${maxRows + 2}`;
  return { text, values };
}

/** `0` as an exact amount, in the scale of every other amount. */
export const ZERO_USD = '0.000000000000';

function sumsOf(row: Readonly<Record<string, string | number | null>>): SpendSums {
  const count = (name: string): number => Number(row[name] ?? 0);
  return {
    cost_usd: String(row['cost_usd'] ?? ZERO_USD),
    calls: count('calls'),
    errors: count('errors'),
    unpriced_calls: count('unpriced_calls'),
    estimated_calls: count('estimated_calls'),
    estimated_cost_usd: String(row['estimated_cost_usd'] ?? ZERO_USD),
    input_tokens: count('input_tokens'),
    cache_read_tokens: count('cache_read_tokens'),
    cache_write_tokens: count('cache_write_tokens'),
    output_tokens: count('output_tokens'),
    reasoning_tokens: count('reasoning_tokens'),
  };
}

/** Whether spend is summed from calls: rollups know no users. */
export function readsCalls({ groupBy, filters }: Pick<SpendRequest, 'groupBy' | 'filters'>): boolean {
  return groupBy.includes('user') || filters?.user !== undefined;
}

/** Spend in a range: rows by time, then by cost, the highest first; and the total. */
export async function readSpend(reading: Reading, request: SpendRequest): Promise<Spend> {
  const maxRows = request.maxRows ?? MAX_ROWS;
  const { text, values } = spendStatement(reading, request, maxRows);
  const found = await reading.query<Record<string, string | number | null>>(text, values);
  const totalRow = found.find((row) => Number(row['is_total']) > 0) ?? {};
  const grouped = found.filter((row) => Number(row['is_total']) === 0);
  const rows = grouped.slice(0, maxRows).map((row) => ({
    group: Object.fromEntries(
      request.groupBy.map((key) => [key, row[key] === null ? null : String(row[key])]),
    ),
    ...sumsOf(row),
  }));
  return { rows, total: sumsOf(totalRow), truncated: grouped.length > maxRows };
}
