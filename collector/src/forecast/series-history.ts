import type { Budget, BudgetScope, BudgetState } from '../budgets/budget.ts';
import { dayAt } from './zone-days.ts';

const MS_PER_DAY = 86_400_000;
/** Days whose hours tell how spend is spread over a day. */
const HOURS_DAYS = 28;
/** Hours of a day from Monday to Friday, then of one at the weekend. */
export const HOUR_SLOTS = 48;
/** Series asked for in one statement: it ends within milliseconds, and other work gets its turn. */
const PAGE = 20;

/** Columns of `spend_rollup` by the scope that they hold. */
const COLUMNS: Readonly<Partial<Record<BudgetScope, string>>> = {
  team: 'team',
  feature: 'feature',
  service_name: 'service_name',
  environment: 'environment',
  provider: 'provider',
  model: 'model',
  key: 'key_id',
};

/** Whose spend: of a tenant, or of all where the tenant is ''. */
export interface SeriesKey {
  readonly tenantId: string;
  readonly scope: BudgetState['scope'];
  readonly scopeValue: Budget['scopeValue'];
  /** IANA name, in which days are formed. */
  readonly timezone: string;
}

/** Spend in USD by civil day of the series' zone. */
export interface SeriesHistory {
  /** Of `days[0]`, as days since 1970-01-01. */
  readonly firstDay: number;
  /** Without gaps; the last one is today, so far. */
  readonly days: Float64Array;
  /** Spend of the last four weeks by hour of a weekday, then of a weekend day. */
  readonly hours: Float64Array;
}

/** Runs a statement and resolves with its rows. */
export type Query = <R extends object>(text: string, values: readonly unknown[]) => Promise<R[]>;

/** Whether rollups know the spend of a scope by time. */
export function hasHistory(scope: BudgetState['scope']): boolean {
  return scope === 'all' || scope === 'tenant' || COLUMNS[scope] !== undefined;
}

interface Row {
  readonly ord: number;
  readonly days: number[] | null;
  readonly usd: number[] | null;
  readonly slots: number[] | null;
  readonly slot_usd: number[] | null;
}

function statement(key: SeriesKey): string {
  const column = COLUMNS[key.scope];
  const wanted = [
    ...(key.tenantId === '' ? [] : ['r.tenant_id = s.tenant']),
    ...(column === undefined ? [] : [`r.${column} = s.value`]),
  ].map((condition) => `AND ${condition}`);
  const wall = 'r.bucket_start AT TIME ZONE s.zone';
  const rows = (select: string, since: string): string => `
    SELECT ${select}, sum(r.cost_usd)::float8 AS usd FROM spanmeter.spend_rollup r
    WHERE r.bucket_start >= ${since}::timestamptz ${wanted.join(' ')} GROUP BY 1`;
  const slot = `extract(hour FROM ${wall})::int + CASE WHEN extract(isodow FROM ${wall}) > 5 THEN 24 ELSE 0 END`;
  return `
    SELECT s.ord::int AS ord, d.days, d.usd, h.slots, h.usd AS slot_usd
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS s(tenant, value, zone, ord)
    CROSS JOIN LATERAL (
      SELECT array_agg(x.day) AS days, array_agg(x.usd) AS usd
      FROM (${rows(`(${wall})::date - date '1970-01-01' AS day`, '$4')}) AS x
    ) AS d
    CROSS JOIN LATERAL (
      SELECT array_agg(x.slot) AS slots, array_agg(x.usd) AS usd FROM (${rows(`${slot} AS slot`, '$5')}) AS x
    ) AS h`;
}

function historyOf(row: Row, today: number, days: number): SeriesHistory {
  const firstDay = today + 1 - days;
  const spend = new Float64Array(days);
  row.days?.forEach((day, index) => {
    const at = day - firstDay;
    if (at >= 0 && at < days) spend[at] = row.usd?.[index] ?? 0;
  });
  const hours = new Float64Array(HOUR_SLOTS);
  row.slots?.forEach((slot, index) => (hours[slot] = Math.max(0, row.slot_usd?.[index] ?? 0)));
  return { firstDay, days: spend, hours };
}

/** Reads `days` days up to now of each series, in the order of the keys. Rejects with the driver's error. */
export async function readHistories(
  query: Query,
  keys: readonly SeriesKey[],
  nowMs: number,
  days: number,
): Promise<readonly SeriesHistory[]> {
  const found: SeriesHistory[] = [];
  // Where to look depends on the scope and on whether one tenant is meant: what is alike is asked together.
  const kinds = new Map<string, number[]>();
  keys.forEach((key, index) => {
    const kind = `${key.scope} ${key.tenantId === ''}`;
    const indexes = kinds.get(kind) ?? [];
    indexes.push(index);
    kinds.set(kind, indexes);
  });
  for (const indexes of kinds.values()) {
    for (let from = 0; from < indexes.length; from += PAGE) {
      const page = indexes.slice(from, from + PAGE);
      const asked = page.flatMap((index) => keys[index] ?? []);
      const [first] = asked;
      if (first === undefined) continue;
      const rows = await query<Row>(statement(first), [
        asked.map((key) => key.tenantId),
        asked.map((key) => key.scopeValue),
        asked.map((key) => key.timezone),
        // Zones are up to 14 hours away.
        new Date(nowMs - (days + 1) * MS_PER_DAY).toISOString(),
        // Who asks for a few days has the hours already.
        new Date(nowMs - Math.min(HOURS_DAYS, days) * MS_PER_DAY).toISOString(),
      ]);
      for (const row of rows) {
        const [key, index] = [asked[row.ord - 1], page[row.ord - 1]];
        if (key === undefined || index === undefined) continue;
        found[index] = historyOf(row, dayAt(key.timezone, nowMs), days);
      }
    }
  }
  return found;
}

interface GroupRow {
  readonly value: string;
  readonly days: number[];
  readonly usd: number[];
}

/** Reads the days of each value of a dimension in one pass, in the reading's zone. Hours are left out. */
export async function readGroupHistories(
  reading: { readonly tenant: string | null; readonly timezone: string; readonly query: Query },
  dimension: string,
  values: readonly string[],
  nowMs: number,
  days: number,
): Promise<ReadonlyMap<string, SeriesHistory>> {
  const column = dimension === 'tenant' ? 'tenant_id' : COLUMNS[dimension as BudgetScope];
  if (column === undefined || values.length === 0) return new Map();
  const rows = await reading.query<GroupRow>(
    `SELECT value, array_agg(day) AS days, array_agg(usd) AS usd FROM (
       SELECT ${column} AS value, (bucket_start AT TIME ZONE $2::text)::date - date '1970-01-01' AS day,
         sum(cost_usd)::float8 AS usd
       FROM spanmeter.spend_rollup
       WHERE bucket_start >= $3::timestamptz AND ${column} = ANY ($1::text[])
         AND ($4::text IS NULL OR tenant_id = $4)
       GROUP BY 1, 2
     ) AS by_day GROUP BY value`,
    [values, reading.timezone, new Date(nowMs - (days + 1) * MS_PER_DAY).toISOString(), reading.tenant],
  );
  const today = dayAt(reading.timezone, nowMs);
  return new Map(
    rows.map(({ value, days: found, usd }) => [
      value,
      historyOf({ ord: 1, days: found, usd, slots: null, slot_usd: null }, today, days),
    ]),
  );
}
