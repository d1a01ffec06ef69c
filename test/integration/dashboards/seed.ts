import { setTimeout as pause } from 'node:timers/promises';
import type { CollectorProcess } from '../../support/collector-process.ts';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { startKeyedCollector } from '../../support/keyed-collector.ts';
import { buildTraces } from '../../support/otlp-builder.ts';
import { postOtlp } from '../../support/otlp-client.ts';
import { startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { until } from '../../support/until.ts';
import { ORGANISATIONS } from './organisations.ts';
import { Oracle } from './oracle.ts';
import { asOtlp, CallMaker, type SentCall } from './sent-calls.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const HISTORY_DAYS = 40;
const CALLS_A_DAY = 110;
const CALLS_TODAY = 900;
const SPANS_A_REQUEST = 500;
/** Rounds of live calls, and how many each has. */
const ROUNDS = 16;
const CALLS_A_ROUND = 25;
const ROUND_MS = 500;
/** How often Prometheus scrapes; a data source must be told. */
export const SCRAPE_INTERVAL = '1s';
const KEYS = { gateway: 'sm_gateway00000000000000000', admin: 'sm_admin000000000000000000' } as const;
/** A collector, its database and a Prometheus that scrapes it, with calls that are known. */
export interface SeededStack {
  readonly collector: CollectorProcess;
  readonly database: FreshDatabase;
  readonly prometheus: TestPrometheus;
  /** Everything that was sent. */
  readonly sent: Oracle;
  /** What was sent while Prometheus watched. */
  readonly live: Oracle;
  /** When the live calls began and ended. */
  readonly liveFromMs: number;
  readonly liveToMs: number;
  readonly requests: number;
  dispose(): Promise<void>;
}

/** More by day than by night, and less at weekends, so that pictures look like life. */
function diurnal(ms: number): number {
  const hour = (ms % DAY_MS) / HOUR_MS;
  const weekend = [0, 6].includes(new Date(ms).getUTCDay());
  return (0.35 + 0.65 * Math.max(0, Math.sin(((hour - 5) / 16) * Math.PI))) * (weekend ? 0.6 : 1);
}

/** Starts spread over [from, to), denser by day; the same for the same count. */
function spread(fromMs: number, toMs: number, count: number): number[] {
  const slots = 288;
  const size = (toMs - fromMs) / slots;
  const weights = Array.from({ length: slots }, (_, slot) => diurnal(fromMs + slot * size));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const starts: number[] = [];
  let owed = 0;
  for (const [slot, weight] of weights.entries()) {
    owed += (weight / total) * count;
    for (let i = 0; owed >= 1; owed--, i++) {
      starts.push(Math.floor(fromMs + slot * size + ((i * 7_919) % Math.max(1, Math.floor(size)))));
    }
  }
  return starts;
}

/** What was before Prometheus came: weeks of days and a busy last day. */
export function makeHistory(maker: CallMaker, nowMs: number): SentCall[] {
  const calls: SentCall[] = [];
  const starts = [
    ...spread(nowMs - HISTORY_DAYS * DAY_MS, nowMs - DAY_MS, CALLS_A_DAY * (HISTORY_DAYS - 1)),
    // Late to their commit, so that none of it is in the live counters of cost.
    ...spread(nowMs - DAY_MS, nowMs - HOUR_MS / 2, CALLS_TODAY),
  ];
  for (const [index, startedMs] of starts.entries()) {
    const plan = maker.plan(startedMs);
    if (index % 60 === 0) calls.push(...maker.twins(plan));
    else if (index % 25 === 0) calls.push(maker.reported(plan));
    else calls.push(maker.make(plan));
  }
  for (const organisation of ORGANISATIONS) {
    const { traffic } = organisation;
    if (traffic === 'silent') {
      for (let i = 0; i < 40; i++) {
        calls.push(maker.make({ organisation, startedMs: nowMs - 9 * DAY_MS - i * 5 * HOUR_MS }));
      }
    }
    if (traffic === 'single') calls.push(maker.reported({ organisation, startedMs: nowMs - HOUR_MS }));
  }
  return calls;
}

/** Calls of the history once more, each with its twin, and sometimes one that comes late. */
function makeRound(maker: CallMaker, history: readonly SentCall[], round: number): SentCall[] {
  const nowMs = Date.now();
  const byTrace = new Map<string, SentCall[]>();
  for (const call of history) byTrace.set(call.traceId, [...(byTrace.get(call.traceId) ?? []), call]);
  const traces = [...byTrace.values()];
  const calls: SentCall[] = [];
  for (let i = 0; i < CALLS_A_ROUND; i++) {
    const at = (round * CALLS_A_ROUND + i) * 13;
    const again = maker.again(traces[traces.length - 1 - (at % traces.length)]!, nowMs);
    calls.push(...(i === 0 ? again.map((call) => ({ ...call, startedMs: nowMs - HOUR_MS })) : again));
  }
  return calls;
}

async function send(collector: CollectorProcess, calls: readonly SentCall[]): Promise<number> {
  let requests = 0;
  for (let at = 0; at < calls.length; at += SPANS_A_REQUEST) {
    const answer = await postOtlp(collector.ports.http, {
      headers: { authorization: `Bearer ${KEYS.gateway}` },
      body: buildTraces(asOtlp(calls.slice(at, at + SPANS_A_REQUEST))),
    });
    if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body.toString()}`);
    requests++;
  }
  return requests;
}

async function stored(database: FreshDatabase, calls: number): Promise<void> {
  await until(
    () => sql<{ calls: string }>(database.url, 'SELECT count(*) AS calls FROM spanmeter.calls'),
    ([row]) => Number(row?.calls) >= calls,
  );
}

/** Tenants in their zones, and budgets of every kind, before anything is spent. */
async function prepare(database: FreshDatabase): Promise<void> {
  for (const { tenant, zone } of ORGANISATIONS) {
    await sql(
      database.url,
      `INSERT INTO spanmeter.tenants (id, timezone) VALUES ($1, $2)
       ON CONFLICT (id) DO UPDATE SET timezone = excluded.timezone`,
      [tenant, zone],
    );
  }
  await sql(
    database.url,
    `INSERT INTO spanmeter.budgets (tenant_id, id, name, scope, scope_value, period, limit_usd, hard, thresholds)
     VALUES ('acme', 'acme-month', 'Acme month', 'tenant', NULL, 'month', 40, true, '{0.5,0.8,1}'),
            ('acme', 'acme-platform', 'Platform team', 'team', 'platform', 'week', 500, false, '{0.5,0.8,1}'),
            ('globex', 'globex-day', 'Globex day', 'tenant', NULL, 'day', 0.5, false, '{0.5,0.8,1}'),
            ('kolkata-labs', 'kolkata-user', 'Ana', 'user', 'ana@kolkata-labs', 'month', 25, false, '{0.8,1}'),
            ('', 'all-month', 'Everybody', 'all', NULL, 'month', 1000, false, '{0.5,0.8,1}')`,
  );
}

export interface SeedOptions {
  /** Path of the program. */
  readonly prometheus: string;
  /** Other files of Prometheus' folder, such as rules; named in `ruleFiles`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly ruleFiles?: readonly string[];
}

function prometheusFile({ ports }: CollectorProcess, ruleFiles: readonly string[]): string {
  const job = (name: string, port: number): string =>
    `  - job_name: ${name}\n    static_configs: [{ targets: ['127.0.0.1:${port}'] }]\n`;
  return (
    `global: { scrape_interval: ${SCRAPE_INTERVAL}, evaluation_interval: 1s }\n` +
    `rule_files: ${JSON.stringify(ruleFiles)}\nscrape_configs:\n` +
    job('spanmeter', ports.prometheus) +
    job('spanmeter-collector', ports.telemetry)
  );
}

async function scrapedTwice(prometheus: TestPrometheus): Promise<void> {
  await until(
    () => prometheus.query('min(count_over_time(up{job=~"spanmeter.*"}[1m]))'),
    ([sample]) => (sample?.value ?? 0) >= 3,
  );
}

/** Fills a collector's database with weeks of known calls, then lets Prometheus watch some seconds of live ones. */
export async function seedStack(options: SeedOptions): Promise<SeededStack> {
  const database = await freshDatabase();
  await prepare(database);
  const collector = await startKeyedCollector(
    [
      { id: 'gateway', key: KEYS.gateway, role: 'gateway' },
      { id: 'admin', key: KEYS.admin, role: 'admin' },
    ],
    { env: { DATABASE_URL: database.url } },
  );
  const maker = new CallMaker(20_261_121);
  const history = makeHistory(maker, Date.now());
  let requests = await send(collector, history);
  await stored(database, history.length);

  const prometheus = await startPrometheus({
    program: options.prometheus,
    files: { 'prometheus.yml': prometheusFile(collector, options.ruleFiles ?? []), ...options.files },
  });
  await scrapedTwice(prometheus);
  const liveFromMs = Date.now();
  const live: SentCall[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const calls = makeRound(maker, history, round);
    requests += await send(collector, calls);
    live.push(...calls);
    await pause(ROUND_MS);
  }
  await stored(database, history.length + live.length);
  const liveToMs = Date.now();
  const sent = new Oracle([...history, ...live]);
  await until(
    () => prometheus.query('sum(genai_calls_total)'),
    ([sample]) => (sample?.value ?? 0) >= sent.count,
  );
  return {
    collector,
    database,
    prometheus,
    sent,
    live: new Oracle(live),
    liveFromMs,
    liveToMs,
    requests,
    async dispose() {
      await prometheus.stop();
      await collector.dispose();
      await database.drop();
    },
  };
}
