import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { startEmbedded } from '@spanmeter/collector/dist/database/embedded.js';
import { migrate } from '@spanmeter/collector/dist/database/migrate.js';
import { ensurePartitions } from '@spanmeter/collector/dist/exporters/postgres/partitions.js';
import { Session } from '@spanmeter/collector/dist/exporters/postgres/session.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { DASHBOARDS } from '@spanmeter/dashboards';
import { panelsOf, type BoardJson } from '@spanmeter/dashboards/dist/expand/board-json.js';
import { createPriceBook } from '@spanmeter/processors';
import { query } from '../support/query.ts';
import { PrometheusSource } from '../support/grafana/prometheus-source.ts';
import { runBoard } from '../support/grafana/run-board.ts';
import { SqlSource } from '../support/grafana/sql-source.ts';

const CALLS = Number(process.env['SPANMETER_BENCH_CALLS'] ?? 10_000_000);
const DAYS = 30;
const BUCKETS = DAYS * 96;
/** Calls that share tenant, model, service, team and quarter of an hour. */
const CALLS_A_ROLLUP = 3;
/** Whole rows of the last days; boards read none that are older. */
const ROW_DAYS = 2;
const RANGES = { '24h': 'now-24h', '30d': 'now-30d' } as const;
const RUNS = 3;

const BOOK = createPriceBook();

/** Dimensions of the n-th row: 100 tenants, 20 models, 40 services, 4 teams. */
const DIMENSIONS = `
  'tenant-' || (n::bigint * 7919) % 100 AS tenant_id,
  (ARRAY['openai', 'openai', 'anthropic', 'gcp.gemini'])[1 + n % 4] AS provider,
  (ARRAY['gpt-4o', 'o4-mini', 'claude-sonnet-4-5', 'gemini-2.5-flash'])[1 + n % 4]
    || CASE WHEN (n / 4) % 5 = 0 THEN '' ELSE '-v' || (n / 4) % 5 END AS model,
  'chat' AS operation, 'service-' || (n * 31) % 40 AS service_name,
  CASE WHEN n % 5 = 0 THEN 'staging' ELSE 'production' END AS environment,
  (ARRAY['platform', 'growth', 'research', NULL])[1 + (n / 3) % 4] AS team,
  CASE WHEN n % 97 = 0 THEN 'unpriced_model' ELSE 'priced' END AS cost_status`;

function rollups(rows: number, journal: string): string {
  return `
    INSERT INTO spanmeter.spend_rollup (tenant_id, bucket_start, provider, model, operation, service_name,
      environment, team, cost_status, dimensions_hash, journal_id, calls, errors, input_tokens, cache_read_tokens,
      cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, reported_cost_usd)
    SELECT tenant_id, date_bin('15 minutes', now(), 'epoch') - make_interval(mins => 15 * (n % ${BUCKETS})),
      provider, model, operation, service_name, environment, team, cost_status,
      decode(lpad(to_hex(n), 32, '0'), 'hex'), '${journal}', ${CALLS_A_ROLLUP}, (n % 50 = 0)::int, 9000, 3000, 300,
      1200, 200, CASE WHEN cost_status = 'priced' THEN 0.045 + (n % 100) / 10000.0 ELSE 0 END, 0
    FROM (SELECT n, ${DIMENSIONS} FROM generate_series(1, ${rows}) n) s`;
}

function calls(rows: number): string {
  return `
    INSERT INTO spanmeter.calls (tenant_id, started_at, trace_id, span_id, received_at, duration_ms, ttft_ms,
      operation, provider, model, service_name, environment, team, user_id, conversation_id, input_tokens,
      cache_read_tokens, output_tokens, usage_source, conditions, cost_usd, cost_status, time_source, error_type,
      dialect, scope_name)
    SELECT tenant_id, at, lpad(to_hex(n), 32, '0'), lpad(to_hex(n), 16, '0'), at + interval '3 s', 2500, 400,
      operation, provider, model, service_name, environment, team, 'user-' || n % 5000, 'talk-' || n % 20000, 3000,
      1000, 400, 'reported', '{}', CASE WHEN cost_status = 'priced' THEN 0.015 END, cost_status, 'start',
      CASE WHEN n % 50 = 0 THEN '500' END, 'otel', 'bench'
    FROM (SELECT n, now() - make_interval(secs => n * ${(ROW_DAYS * 86_400) / rows}) AS at, ${DIMENSIONS}
          FROM generate_series(1, ${rows}) n) s`;
}

async function fill(ownerUrl: string): Promise<void> {
  const today = Math.floor(Date.now() / 86_400_000);
  const session = await Session.open(ownerUrl);
  await ensurePartitions(session, [today - 2, today - 1, today, today + 1]);
  session.close();
  const zones = `(ARRAY['UTC', 'Asia/Kolkata', 'America/New_York', 'Australia/Lord_Howe'])[1 + n % 4]`;
  await query(
    ownerUrl,
    `INSERT INTO spanmeter.tenants (id, timezone) SELECT 'tenant-' || n, ${zones} FROM generate_series(0, 99) n`,
  );
  await query(ownerUrl, 'INSERT INTO spanmeter.price_books (version, content) VALUES ($1, $2)', [
    BOOK.version,
    BOOK.content(),
  ]);
  await query(ownerUrl, rollups(Math.floor(CALLS / CALLS_A_ROLLUP), randomUUID()));
  await query(ownerUrl, calls(Math.floor((CALLS * ROW_DAYS) / DAYS)));
  await query(ownerUrl, 'VACUUM ANALYZE spanmeter.spend_rollup');
  await query(ownerUrl, 'ANALYZE spanmeter.calls');
}

/** Seconds of all PostgreSQL queries of each board together, and the slowest of them, with 10 M calls stored. */
export async function benchDashboards(): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-bench-'));
  const settings = { fsync: 'off', full_page_writes: 'off', max_wal_size: '4GB', shared_buffers: '512MB' };
  const server = await startEmbedded({ dataDir: join(folder, 'postgres'), log: SILENT_LOG, settings });
  try {
    await migrate(server.ownerUrl, SILENT_LOG);
    const began = performance.now();
    await fill(server.ownerUrl);
    console.error(`  filled in ${((performance.now() - began) / 1_000).toFixed(0)} s`);
    const admin = new URL(server.adminUrl);
    admin.pathname = new URL(server.ownerUrl).pathname;
    const sql = await SqlSource.open(admin.href, 'spanmeter_grafana');
    const sources = { sql, prometheus: new PrometheusSource('http://127.0.0.1:1'), scrapeInterval: '15s' };
    const results: Record<string, unknown> = { calls: CALLS };
    for (const made of DASHBOARDS) {
      const board = JSON.parse(JSON.stringify(made.build())) as BoardJson;
      for (const [name, from] of Object.entries(RANGES)) {
        results[`${board.uid} ${name}`] = await timed(board, from, sources);
      }
    }
    await sql.close();
    return results;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function timed(
  board: BoardJson,
  from: string,
  sources: Parameters<typeof runBoard>[1],
): Promise<Record<string, unknown>> {
  const ofSql = new Set(
    panelsOf(board)
      .filter(({ targets = [] }) => targets.some(({ rawSql }) => rawSql !== undefined))
      .map(({ id }) => id),
  );
  const totals: number[] = [];
  let slowest: readonly string[] = [];
  for (let run = 0; run < RUNS; run++) {
    const viewing = {
      nowMs: Date.now(),
      time: { from, to: 'now' },
      panels: ({ id }: { id: number }) => ofSql.has(id),
    };
    const began = performance.now();
    const { targets } = await runBoard(board, sources, viewing);
    totals.push(performance.now() - began);
    const failed = targets.find(({ error }) => error !== null);
    if (failed !== undefined) return { failed: `${failed.key}: ${failed.error}` };
    slowest = targets
      .toSorted((a, b) => b.ms - a.ms)
      .slice(0, 3)
      .map(({ key, ms }) => `${key} ${(ms / 1_000).toFixed(2)} s`);
  }
  const median = totals.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
  return { seconds: Number((median / 1_000).toFixed(2)), queries: ofSql.size, slowest };
}
