import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import {
  createAttribution,
  createCost,
  createCountOnce,
  createNormalizer,
  createTenantBooks,
  createUsageEstimator,
  parsePriceOverrides,
  type Call,
  type SpanGroup,
} from '@spanmeter/processors';
import {
  createPostgresLedger,
  type PostgresLedger,
} from '@spanmeter/collector/dist/exporters/postgres/ledger.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import {
  actReprice,
  interruptedRun,
  lockReprice,
  planReprice,
  prepareReprice,
  type Pricing,
  type RepricePlan,
  type RunCounts,
} from '@spanmeter/collector/dist/reprice/reprice.js';
import { query as sql } from './query.ts';

const RETENTION_DAYS = 90;

/** Prices by a file's content over the shipped ones. */
export function pricingOf(
  file: object = {},
  reportedAuthoritative: readonly string[] = ['openrouter'],
): Pricing {
  const { overrides, faults } = parsePriceOverrides(file);
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  return { books: createTenantBooks(overrides), reportedAuthoritative };
}

/** Turns spans into calls as the collector does that estimates usage by character counts. */
export function callsOf(groups: readonly SpanGroup[], { books, reportedAuthoritative }: Pricing): Call[] {
  const steps = [
    createNormalizer(),
    createAttribution(),
    createCountOnce(),
    createCost({ books, reportedAuthoritative, estimator: createUsageEstimator('characters', null) }),
  ];
  for (const step of steps) step(groups);
  return groups.flatMap((group) => group.calls.flatMap((call) => call ?? []));
}

/** Writes calls as the collector does, under a journal of its own. */
export class LedgerWriter {
  readonly #ledger: PostgresLedger;
  readonly #journalId = randomUUID();
  #sequence = 0;

  /** `now` is the ledger's clock, in milliseconds since 1970. */
  constructor(url: string, now: () => number = Date.now) {
    this.#ledger = createPostgresLedger({
      connectionString: url,
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
      retentionDays: RETENTION_DAYS,
      now,
    });
  }

  /** Resolves with the calls that are new. */
  async write(calls: readonly Call[]): Promise<readonly Call[]> {
    const at = { sequence: this.#sequence, spansDone: this.#sequence };
    if (this.#sequence === 0) await this.#ledger.createCursor(this.#journalId, 'postgres', at);
    this.#sequence++;
    const batch = {
      journalId: this.#journalId,
      exporter: 'postgres',
      from: at,
      to: { sequence: this.#sequence, spansDone: this.#sequence },
      calls,
      deadLetters: [],
      books: [],
    };
    return (await this.#ledger.commit(this.#ledger.prepare(batch))).inserted;
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }
}

export interface Selected {
  readonly from?: string;
  readonly to?: string;
  readonly tenant?: string | null;
  readonly model?: string | null;
  readonly pageCalls?: number;
}

export interface Acted {
  readonly plan: RepricePlan;
  readonly counts: RunCounts;
  readonly runId: string;
}

/** Reprices in this process; without `act` it only plans. */
export async function repriceIn(url: string, pricing: Pricing, selected: Selected = {}): Promise<Acted> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await prepareReprice(client);
    await lockReprice(client);
    const request = requestOf(pricing, selected);
    const continues = await interruptedRun(client, request);
    const plan = await planReprice(client, request, continues);
    const { run, counts } = await actReprice(client, request, continues);
    return { plan, counts, runId: run.id };
  } finally {
    await client.end();
  }
}

/** Only computes what a reprice would do. */
export async function planIn(url: string, pricing: Pricing, selected: Selected = {}): Promise<RepricePlan> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await prepareReprice(client);
    return await planReprice(client, requestOf(pricing, selected), null);
  } finally {
    await client.end();
  }
}

function requestOf(pricing: Pricing, selected: Selected) {
  const { from = '2026-01-01T00:00:00.000000Z', to = '2027-01-01T00:00:00.000000Z' } = selected;
  return {
    selection: { from, to, tenant: selected.tenant ?? null, model: selected.model ?? null },
    pricing,
    reason: 'test',
    actor: 'test',
    ...(selected.pageCalls === undefined ? {} : { pageCalls: selected.pageCalls }),
  };
}

const DIMENSIONS = 'provider, model, operation, service_name, environment, team, feature, key_id';
const TOKENS = ['input', 'cache_read', 'cache_write', 'output', 'reasoning'].map((kind) => `${kind}_tokens`);
const SUMS = [
  'calls',
  'errors',
  ...TOKENS,
  'cost_usd',
  'reported_cost_usd',
  'estimated_calls',
  'estimated_cost_usd',
];

/** What the call `c` adds to rollups, in a status at a cost. */
function added(sign: string, status: string, cost: string, recordedAt: string): string {
  const estimated = `(c.usage_source = 'estimated')::int`;
  return `c.tenant_id, date_bin('15 minutes', c.started_at, timestamptz '1970-01-01 00:00:00Z') AS bucket_start,
    ${DIMENSIONS.replaceAll(/(\w+)/g, 'c.$1')}, ${status} AS cost_status,
    (${recordedAt} AT TIME ZONE 'UTC')::date AS recorded_on, ${sign} AS calls,
    ${sign} * (c.error_type IS NOT NULL)::int AS errors,
    ${TOKENS.map((name) => `${sign} * coalesce(c.${name}, 0) AS ${name}`).join(', ')},
    ${sign} * ${cost} AS cost_usd, ${sign} * coalesce(c.reported_cost_usd, 0) AS reported_cost_usd,
    ${sign} * ${estimated} AS estimated_calls, ${sign} * ${estimated} * ${cost} AS estimated_cost_usd`;
}

const KEYS = `tenant_id, bucket_start, ${DIMENSIONS}, cost_status, recorded_on`;
const SAME_CALL =
  'c.tenant_id = a.tenant_id AND c.trace_id = a.trace_id AND c.span_id = a.span_id AND c.started_at = a.started_at';
const SUMMED = `${KEYS}, ${SUMS.map((name) => `sum(${name})::numeric AS ${name}`).join(', ')}`;
const NOT_EMPTY = SUMS.map((name) => `sum(${name}) <> 0`).join(' OR ');

/** Rollups that are not the sum of rows and corrections, to the last digit and per dimension: none, if all is well. */
const DIFFERENCES = `
  WITH halves AS (
    SELECT ${added('1', 'c.cost_status', 'coalesce(c.cost_usd, 0)', 'c.received_at')} FROM spanmeter.calls c
    UNION ALL
    SELECT ${added('h.sign', 'h.status', 'coalesce(h.cost, 0)', 'a.created_at')}
    FROM spanmeter.cost_adjustments a JOIN spanmeter.calls c ON ${SAME_CALL}
    CROSS JOIN LATERAL (
      VALUES (-1, a.old_status, a.old_cost_usd), (1, a.new_status, a.new_cost_usd)
    ) AS h (sign, status, cost)
  ),
  expected AS (SELECT ${SUMMED} FROM halves GROUP BY ${KEYS} HAVING ${NOT_EMPTY}),
  found AS (SELECT ${SUMMED} FROM spanmeter.spend_rollup GROUP BY ${KEYS} HAVING ${NOT_EMPTY})
  (SELECT 'only expected' AS which, * FROM expected EXCEPT SELECT 'only expected', * FROM found)
  UNION ALL
  (SELECT 'only found', * FROM found EXCEPT SELECT 'only found', * FROM expected)
  LIMIT 5`;

/** The current figures must follow from rollups and from the view alike. */
const EFFECTIVE = `
  SELECT tenant_id, status, sum(calls)::text AS calls, sum(cost)::numeric(60, 12)::text AS cost FROM (
    SELECT tenant_id, effective_status AS status, 1 AS calls, coalesce(effective_cost_usd, 0) AS cost
    FROM spanmeter.calls_effective
    UNION ALL
    SELECT tenant_id, cost_status, -calls, -cost_usd FROM spanmeter.spend_rollup
  ) AS both_ways GROUP BY 1, 2 HAVING sum(calls) <> 0 OR sum(cost) <> 0`;

/** An adjustment's parts must agree, and follow one another. */
const BROKEN_CHAINS = `
  SELECT id::text FROM (
    SELECT a.*, lag(a.new_cost_usd) OVER w AS before_cost, lag(a.new_status) OVER w AS before_status,
      c.cost_usd, c.cost_status
    FROM spanmeter.cost_adjustments a JOIN spanmeter.calls c ON ${SAME_CALL}
    WINDOW w AS (PARTITION BY a.tenant_id, a.trace_id, a.span_id, a.started_at ORDER BY a.id)
  ) AS chained
  WHERE delta_usd <> coalesce(new_cost_usd, 0) - coalesce(old_cost_usd, 0)
    OR (new_cost_usd IS NOT NULL) <> (new_status IN ('priced', 'reported'))
    OR old_status <> coalesce(before_status, cost_status)
    OR old_cost_usd IS DISTINCT FROM (CASE WHEN before_status IS NULL THEN cost_usd ELSE before_cost END)
    OR (old_status = new_status AND delta_usd = 0)`;

const TOTALS = `
  SELECT tenant_id FROM (
    SELECT tenant_id, greatest(delta_usd, 0) AS up, greatest(-delta_usd, 0) AS down FROM spanmeter.cost_adjustments
    UNION ALL
    SELECT tenant_id, CASE direction WHEN 'up' THEN -amount_usd ELSE 0 END,
      CASE direction WHEN 'down' THEN -amount_usd ELSE 0 END
    FROM spanmeter.cost_correction_totals
  ) AS both_ways GROUP BY 1 HAVING sum(up) <> 0 OR sum(down) <> 0`;

/** Everything that does not add up; empty if all is well. */
export async function disagreements(url: string): Promise<object[]> {
  const found: object[] = [];
  for (const text of [DIFFERENCES, EFFECTIVE, BROKEN_CHAINS, TOTALS]) found.push(...(await sql(url, text)));
  return found;
}

/** Spend as the rollups have it. */
export async function spentIn(url: string, tenant = '%'): Promise<string> {
  const rows = await sql<{ cost: string }>(
    url,
    `SELECT coalesce(sum(cost_usd), 0)::text AS cost FROM spanmeter.spend_rollup WHERE tenant_id LIKE $1`,
    [tenant],
  );
  return rows[0]!.cost;
}

/** How many corrections there are. */
export async function adjustmentsIn(url: string): Promise<number> {
  const rows = await sql<{ count: string }>(url, 'SELECT count(*) FROM spanmeter.cost_adjustments');
  return Number(rows[0]!.count);
}
