import { parsePico } from '@spanmeter/processors';
import type { SpendAnomaly } from './anomaly.ts';
import { judgeHour, needsPeak, type HourToJudge, type Judging } from './baseline.ts';
import type { AnomalyOptions } from './options.ts';

const MS_PER_HOUR = 3_600_000;
const PICO_PER_USD = 1e12;
/** Series over the floor that are looked at, the dearest first. */
export const MAX_ANOMALIES = 1_000;
const PEAK_PAGE = 50;
const PEAK_DAYS = 14;
const DAYS_PER_WEEK = 7;

/**
 * Series that spent over the floor in an hour, each with the same wall-clock hour of its tenant's zone on the 14 days
 * before and, by weeks, up to eight weeks back. Only those series are looked up further, by the primary key.
 */
const CANDIDATES = `
  WITH spent AS (
    SELECT h.start, r.tenant_id, r.model, r.service_name, sum(r.cost_usd) AS usd
    FROM unnest($1::timestamptz[]) AS h(start)
    JOIN spanmeter.spend_rollup r
      ON r.bucket_start >= h.start AND r.bucket_start < h.start + interval '1 hour'
    GROUP BY 1, 2, 3, 4
    HAVING sum(r.cost_usd) >= $2::numeric
    ORDER BY 5 DESC
    LIMIT ${2 * MAX_ANOMALIES}
  ), past AS (
    SELECT s.start, s.tenant_id, s.model, s.service_name, s.usd, b.back, (
      SELECT coalesce(sum(r.cost_usd), 0) FROM spanmeter.spend_rollup r
      WHERE r.tenant_id = s.tenant_id AND r.model = s.model AND r.service_name = s.service_name
        AND r.bucket_start >= w.start AND r.bucket_start < w.start + interval '1 hour'
    )::float8 AS past_usd
    FROM spent s
    LEFT JOIN spanmeter.tenants t ON t.id = s.tenant_id
    CROSS JOIN unnest('{1,2,3,4,5,6,7,8,9,10,11,12,13,14,21,28,35,42,49,56}'::int[]) AS b(back)
    CROSS JOIN LATERAL (
      SELECT ((s.start AT TIME ZONE coalesce(t.timezone, 'UTC')) - b.back * interval '1 day')
        AT TIME ZONE coalesce(t.timezone, 'UTC') AS start
    ) AS w
  )
  SELECT tenant_id, model, service_name, (extract(epoch FROM start) * 1000)::float8 AS start_ms,
    usd::text AS usd, array_agg(back ORDER BY back) AS back, array_agg(past_usd ORDER BY back) AS past
  FROM past
  GROUP BY start, tenant_id, model, service_name, usd
  ORDER BY past.usd DESC, tenant_id, model, service_name, start`;

/** The dearest hour of each series before the one that is judged. */
const PEAKS = `
  SELECT ord::int AS ord, max(usd)::float8 AS peak FROM (
    SELECT s.ord, date_bin('1 hour', r.bucket_start, s.start) AS hour, sum(r.cost_usd) AS usd
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
      WITH ORDINALITY AS s(tenant, model, service, start, ord)
    JOIN spanmeter.spend_rollup r ON r.tenant_id = s.tenant AND r.model = s.model AND r.service_name = s.service
      AND r.bucket_start >= s.start - interval '${PEAK_DAYS} days' AND r.bucket_start < s.start
    GROUP BY 1, 2
  ) AS hours
  GROUP BY ord`;

interface Candidate {
  readonly tenant_id: string;
  readonly model: string;
  readonly service_name: string;
  readonly start_ms: number;
  readonly usd: string;
  readonly back: readonly number[];
  readonly past: readonly number[];
}

/** What is needed of a client or pool of the tables' owner. */
export interface Queryable {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
}

/** The hours before, as far back as there was any spend at this hour. */
function hourOf(candidate: Candidate): Omit<HourToJudge, 'peak'> {
  const { back, past, usd } = candidate;
  const oldest = Math.max(0, ...back.filter((_, index) => (past[index] ?? 0) > 0));
  const known = (wanted: (days: number) => boolean): number[] =>
    past.filter((_, index) => {
      const days = back[index] ?? Infinity;
      return days <= oldest && wanted(days);
    });
  return {
    spent: Number(usd),
    weeks: known((days) => days % DAYS_PER_WEEK === 0),
    days: known((days) => days <= PEAK_DAYS),
  };
}

async function readPeaks(
  client: Queryable,
  candidates: readonly Candidate[],
): Promise<Map<Candidate, number>> {
  const peaks = new Map<Candidate, number>();
  for (let from = 0; from < candidates.length; from += PEAK_PAGE) {
    const page = candidates.slice(from, from + PEAK_PAGE);
    const { rows } = await client.query(PEAKS, [
      page.map((one) => one.tenant_id),
      page.map((one) => one.model),
      page.map((one) => one.service_name),
      page.map((one) => new Date(one.start_ms).toISOString()),
    ]);
    for (const { ord, peak } of rows as { ord: number; peak: number }[]) {
      const found = page[ord - 1];
      if (found !== undefined) peaks.set(found, peak);
    }
  }
  return peaks;
}

function judgingOf({ sensitivity, min_excess_usd: minExcess, min_new_usd: minNew }: AnomalyOptions): Judging {
  return { sensitivity, minExcess, minNew };
}

/**
 * The hours that stand out, of the last whole one and the one under way, the greatest excess first and at most
 * `MAX_ANOMALIES`. Rejects with the driver's error.
 */
export async function detectAnomalies(
  client: Queryable,
  now: Date,
  options: AnomalyOptions,
): Promise<readonly SpendAnomaly[]> {
  if (!options.enabled) return [];
  const running = Math.floor(now.getTime() / MS_PER_HOUR) * MS_PER_HOUR;
  const hours = [running - MS_PER_HOUR, running].map((startMs) => new Date(startMs).toISOString());
  const floor = Math.min(options.min_excess_usd, options.min_new_usd);
  const { rows } = await client.query(CANDIDATES, [hours, String(floor)]);
  const judged = (rows as Candidate[]).map((candidate) => ({ candidate, hour: hourOf(candidate) }));
  const asked = judged.filter(
    ({ hour }) => hour.spent >= options.min_new_usd && needsPeak({ ...hour, peak: null }),
  );
  const peaks = await readPeaks(
    client,
    asked.map(({ candidate }) => candidate),
  );
  const anomalies = judged.flatMap(({ candidate, hour }): SpendAnomaly[] => {
    const peak = peaks.get(candidate) ?? null;
    const { expected, isAnomaly } = judgeHour({ ...hour, peak }, judgingOf(options));
    if (!isAnomaly) return [];
    const spentPicoUsd = parsePico(candidate.usd) ?? 0n;
    const expectedPicoUsd = BigInt(Math.round(Math.max(0, expected) * PICO_PER_USD));
    return [
      {
        tenantId: candidate.tenant_id,
        model: candidate.model,
        serviceName: candidate.service_name,
        hourStartMs: candidate.start_ms,
        spentPicoUsd,
        expectedPicoUsd,
        excessPicoUsd: spentPicoUsd - expectedPicoUsd,
      },
    ];
  });
  const order = (one: SpendAnomaly, two: SpendAnomaly): number =>
    one.excessPicoUsd === two.excessPicoUsd ? 0 : one.excessPicoUsd > two.excessPicoUsd ? -1 : 1;
  return anomalies.toSorted(order).slice(0, MAX_ANOMALIES);
}
