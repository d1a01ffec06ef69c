import { PARTITION_BOUNDS } from '../database/partition-bounds.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { addDays, isCivilDate } from './civil-date.ts';
import { isoSql, type Range } from './range.ts';
import type { Reading } from './reader.ts';

/*
 * Rollups are dated by the UTC day on which calls were received or corrections made, so what stood at a midnight
 * is the sum of the days before it, long after the calls are gone. Within a day, what came after the instant is
 * taken off again:
 *
 *   rollups recorded on that day or before
 *   - calls received on that day from the instant on, as they were stored
 *   - corrections made on that day from the instant on: rollups of runs that began later, and of a run that was
 *     under way then each correction, out of its new status and back into its old one
 */

/** An instant that spend is asked for. */
export interface AsOf {
  /** ISO text in UTC with microseconds. */
  readonly at: string;
  /** Its UTC day, `YYYY-MM-DD`. */
  readonly day: string;
  /** Whether it is a midnight in UTC, so that whole days answer it. */
  readonly midnight: boolean;
  /** Whether it is now, so that nothing has to be taken off. */
  readonly current: boolean;
}

/** SQL of what a source is narrowed to: bounds, and the tenant's placeholder where there is one. */
export interface SourceScope {
  readonly from: string;
  readonly to: string;
  readonly tenant: string | null;
}

const SUMS = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
] as const;
const DIMENSIONS = [
  'provider',
  'model',
  'operation',
  'service_name',
  'environment',
  'team',
  'feature',
  'key_id',
] as const;
const SAME_CALL = (a: string, b: string): string =>
  ['tenant_id', 'trace_id', 'span_id', 'started_at'].map((key) => `${a}.${key} = ${b}.${key}`).join(' AND ');

function columns(alias: string, names: readonly string[]): string {
  return names.map((name) => `${alias}.${name}`).join(', ');
}

function scoped(alias: string, at: string, { from, to, tenant }: SourceScope): string {
  const whose = tenant === null ? '' : ` AND ${alias}.tenant_id = ${tenant}`;
  return `${alias}.${at} >= ${from} AND ${alias}.${at} < ${to}${whose}`;
}

/** `sign` times what one call adds to a rollup, given SQL of its status and cost. */
function callSums(sign: string, status: string, cost: string): string {
  const estimated = "(c.usage_source = 'estimated')::int";
  return `c.tenant_id, c.started_at, ${columns('c', DIMENSIONS)}, ${status}, ${sign},
    ${sign} * (c.error_type IS NOT NULL)::int,
    ${SUMS.map((name) => `${sign} * coalesce(c.${name}, 0)`).join(', ')},
    ${sign} * ${cost}, ${sign} * ${estimated}, ${sign} * ${estimated} * ${cost}`;
}

/** Like `spend_rollup`, as it stood: a subquery to read from. */
export function rollupsAsOf(asOf: AsOf, scope: SourceScope, place: (value: unknown) => string): string {
  const day = `${place(asOf.day)}::text::date`;
  const rollups = `SELECT r.tenant_id, r.bucket_start, ${columns('r', DIMENSIONS)}, r.cost_status, r.calls, r.errors,
      ${columns('r', SUMS)}, r.cost_usd, r.estimated_calls, r.estimated_cost_usd
    FROM spanmeter.spend_rollup r
    WHERE r.recorded_on ${asOf.midnight ? '<' : '<='} ${day} AND ${scoped('r', 'bucket_start', scope)}`;
  if (asOf.midnight) return `(${rollups}) AS as_it_stood`;
  // Of a later run nothing is read but its rollups, of which there are few.
  const at = `${place(asOf.at)}::text::timestamptz`;
  const next = `((${day} + 1)::timestamp AT TIME ZONE 'UTC')`;
  return `(${rollups} AND NOT EXISTS (
      SELECT FROM spanmeter.correction_times t
      WHERE t.tenant_id = r.tenant_id AND t.run_id = r.journal_id AND t.recorded_on = r.recorded_on
        AND t.recorded_on = ${day} AND t.first_at >= ${at}
    )
    UNION ALL
    SELECT ${callSums('-1', 'c.cost_status', 'coalesce(c.cost_usd, 0)')}
    FROM spanmeter.calls c
    WHERE c.received_at >= ${at} AND c.received_at < ${next} AND ${scoped('c', 'started_at', scope)}
    UNION ALL
    SELECT ${callSums('half.sign', 'half.status', 'half.cost')}
    FROM spanmeter.cost_adjustments a
    JOIN spanmeter.correction_times t ON t.tenant_id = a.tenant_id AND t.run_id::text = a.run_id
      AND t.recorded_on = ${day} AND t.first_at < ${at} AND t.last_at >= ${at}
    JOIN spanmeter.calls c ON ${SAME_CALL('c', 'a')}
    CROSS JOIN LATERAL (VALUES
      (1, a.old_status, coalesce(a.old_cost_usd, 0)),
      (-1, a.new_status, coalesce(a.old_cost_usd, 0) + a.delta_usd)
    ) AS half (sign, status, cost)
    WHERE a.created_at >= ${at} AND a.created_at < ${next} AND ${scoped('a', 'started_at', scope)}
  ) AS as_it_stood`;
}

/** Like `calls_effective`, as it stood: a subquery to read from. */
export function callsAsOf(asOf: AsOf, scope: SourceScope, place: (value: unknown) => string): string {
  const at = `${place(asOf.at)}::text::timestamptz`;
  return `(
    SELECT c.tenant_id, c.started_at, ${columns('c', DIMENSIONS)}, c.user_id, c.usage_source, c.error_type,
      ${columns('c', SUMS)}, coalesce(a.new_status, c.cost_status) AS effective_status,
      CASE
        WHEN a.id IS NULL THEN c.cost_usd
        WHEN a.new_status IN ('priced', 'reported') THEN coalesce(a.new_cost_usd, coalesce(c.cost_usd, 0) + (
          SELECT sum(s.delta_usd) FROM spanmeter.cost_adjustments s
          WHERE ${SAME_CALL('s', 'c')} AND s.created_at < ${at}
        ))
      END AS effective_cost_usd
    FROM spanmeter.calls c
    LEFT JOIN (
      SELECT n.* FROM spanmeter.cost_adjustments n
      WHERE n.created_at < ${at} AND NOT EXISTS (
        SELECT FROM spanmeter.cost_adjustments m
        WHERE ${SAME_CALL('m', 'n')} AND m.id > n.id AND m.created_at < ${at}
      )
    ) a ON ${SAME_CALL('a', 'c')}
    WHERE c.received_at < ${at} AND ${scoped('c', 'started_at', scope)}
  ) AS as_it_stood`;
}

/** Whether rollups tell of calls that are gone, recorded on the days that match. */
async function tellOfGoneCalls(
  reading: Reading,
  { day }: AsOf,
  range: Range,
  which: '=' | '<' | '<=',
): Promise<boolean> {
  const text = `SELECT FROM spanmeter.spend_rollup r
    WHERE r.recorded_on ${which} $3::text::date
      AND r.bucket_start >= $1::timestamptz AND r.bucket_start < $2::timestamptz
      AND ($4::text IS NULL OR r.tenant_id = $4) AND NOT EXISTS (
        SELECT FROM (${PARTITION_BOUNDS}) AS p WHERE r.bucket_start >= p.from_at AND r.bucket_start < p.to_at
      )
    LIMIT 1`;
  const found = await reading.query(text, [range.from, range.to, day, reading.tenant]);
  return found.length > 0;
}

/** Refuses what would be answered without the calls that are gone. */
async function refuseGoneCalls(
  reading: Reading,
  asOf: AsOf,
  range: Range,
  readsCalls: boolean,
): Promise<void> {
  const { day, midnight } = asOf;
  if (readsCalls) {
    if (!(await tellOfGoneCalls(reading, asOf, range, midnight ? '<' : '<='))) return;
    const why =
      'spend by user needs calls that are past the retention. Ask for a later "from", or without users.';
    throw new Refusal('invalid', `"as_of": ${why}`);
  }
  if (midnight || !(await tellOfGoneCalls(reading, asOf, range, '='))) return;
  throw new Refusal(
    'invalid',
    `"as_of" within ${day} needs calls that are past the retention. Ask for a midnight in UTC, ` +
      `such as ${day} (the end of that day) or ${addDays(day, -1)}.`,
  );
}

/** What spend is asked for. */
export interface AsOfRequest {
  readonly asked: string | undefined;
  readonly range: Range;
  /** Whether it is summed from calls, since rollups know nothing of what it is grouped or narrowed by. */
  readonly readsCalls: boolean;
}

/**
 * Turns a date (the end of that UTC day) or an instant into what spend can be read at; one in the future is now.
 * Null where nothing was asked. Rejects with Refusal `invalid` where it needs calls that are past the retention.
 */
export async function resolveAsOf(
  reading: Reading,
  { asked, range, readsCalls }: AsOfRequest,
): Promise<AsOf | null> {
  if (asked === undefined) return null;
  const text = isCivilDate(asked) ? `${addDays(asked, 1)}T00:00:00Z` : asked;
  const [found] = await reading.query<AsOf>(
    `SELECT ${isoSql('at')} AS at, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
       at = date_trunc('day', at, 'UTC') AS midnight, at < $1::text::timestamptz AS current
     FROM (SELECT least($1::text::timestamptz, clock_timestamp()) AS at) AS asked`,
    [text],
  );
  if (found === undefined) throw new Error('the database tells no time');
  if (!found.current) await refuseGoneCalls(reading, found, range, readsCalls);
  return found;
}
