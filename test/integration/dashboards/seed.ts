import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueryResultRow } from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import { REPOSITORY, type CollectorProcess } from '../../support/collector-process.ts';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { startKeyedCollector } from '../../support/keyed-collector.ts';
import { chatSpan } from '../../support/chat-span.ts';
import { buildTraces } from '../../support/otlp-builder.ts';
import { postOtlp } from '../../support/otlp-client.ts';
import { startOtlpSink } from '../../support/otlp-sink.ts';
import { startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { spanmeterWith } from '../../support/running-collector.ts';
import { until } from '../../support/until.ts';
import { ORGANISATIONS, type Organisation } from './organisations.ts';
import { dayIn, isBillable, Oracle } from './oracle.ts';
import { asOtlp, CallMaker, type SentCall } from './sent-calls.ts';
import { DAY_MS, HOUR_MS, makeHistory, makeRound, type TrafficSize } from './traffic.ts';

const SPANS_A_REQUEST = 500;
const ROUND_MS = 400;
/** Bad requests and spans, before Prometheus comes so that their series exist, and while it watches. */
const FAULTS_BEFORE = 2;
const FAULTS_LIVE = 6;
const API_REQUESTS = 12;
const NEW_SERVICES = 5;
const HOOK = '/hook';
/** How often Prometheus scrapes; a data source must be told. */
export const SCRAPE_INTERVAL = '1s';
const KEYS = { gateway: 'sm_gateway00000000000000000', admin: 'sm_admin000000000000000000' } as const;

/** This model's calls up to two hours ago are corrected to the double while Prometheus watches. */
export const REPRICED_MODEL = 'command-r-plus';
const REPRICED = `
prices:
  - { provider: cohere, model: command-r-plus, input_mtok: 5, output_mtok: 20 }
`;

/** A collector, its database and a Prometheus that scrapes it, with calls that are known. */
export interface SeededStack {
  readonly collector: CollectorProcess;
  readonly database: FreshDatabase;
  readonly prometheus: TestPrometheus;
  /** Everything that was sent, at its current cost. */
  readonly sent: Oracle;
  /** What was sent while Prometheus watched. */
  readonly live: Oracle;
  /** By how much corrections raised costs, in 1e-12 USD, and how many. */
  readonly corrected: bigint;
  readonly corrections: number;
  /** While Prometheus watched: requests with spans, refused ones, spans out of time, API requests, new services. */
  readonly requests: number;
  readonly faults: number;
  /** Those before included. */
  readonly faultsInAll: number;
  readonly apiRequests: number;
  readonly newServices: number;
  /** Messages that the webhook has received so far. */
  hooked(): number;
  /** Asks the database as its owner. */
  query<Row extends QueryResultRow>(text: string): Promise<Row[]>;
  dispose(): Promise<void>;
}

/** Limits of the budgets in USD: two of them are far too low. */
export const LIMITS = {
  'acme-month': 4,
  'acme-platform': 500,
  'globex-day': 0.5,
  'kolkata-user': 25,
  'all-month': 1_000,
} as const;

export interface SeedOptions {
  readonly limits?: Readonly<Partial<Record<keyof typeof LIMITS, number>>>;
  /** Path of the program. */
  readonly prometheus: string;
  readonly organisations?: readonly Organisation[];
  readonly size?: TrafficSize;
  /** Rounds of live calls, and how many each has. */
  readonly rounds?: number;
  readonly callsARound?: number;
  /** Other files of Prometheus' folder, such as rules; named in `ruleFiles`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly ruleFiles?: readonly string[];
}

async function post(collector: CollectorProcess, body: Uint8Array, key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  return (await postOtlp(collector.ports.http, { headers, body })).status;
}

async function send(collector: CollectorProcess, calls: readonly SentCall[]): Promise<number> {
  let requests = 0;
  for (let at = 0; at < calls.length; at += SPANS_A_REQUEST) {
    const body = buildTraces(asOtlp(calls.slice(at, at + SPANS_A_REQUEST)));
    const status = await post(collector, body, KEYS.gateway);
    if (status !== 200) throw new Error(`answered ${status}`);
    requests++;
  }
  return requests;
}

/** Spans of last year and keys that nobody has: each goes to dead letters or is refused. */
async function sendFaults(collector: CollectorProcess, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const endUnixNano = BigInt(Date.now() - 200 * DAY_MS) * 1_000_000n;
    const late = chatSpan({
      startUnixNano: endUnixNano - 1_000_000n,
      endUnixNano,
      attributes: { 'tenant.id': 'acme' },
    });
    const body = buildTraces([{ spans: [late] }]);
    const status = await post(collector, body, KEYS.gateway);
    const refused = await post(collector, body, `sm_${randomBytes(12).toString('hex')}`);
    if (status !== 200 || refused !== 401) throw new Error(`answered ${status} and ${refused}`);
  }
}

async function askApi({ ports }: CollectorProcess, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const headers = { authorization: `Bearer ${KEYS.admin}` };
    const answer = await fetch(`http://127.0.0.1:${ports.api}/api/v1/summary?tenant=acme`, { headers });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`the API answered ${answer.status}`);
  }
}

async function stored(database: FreshDatabase, calls: number): Promise<void> {
  await until(
    () => sql<{ calls: string }>(database.url, 'SELECT count(*) AS calls FROM spanmeter.calls'),
    ([row]) => Number(row?.calls) >= calls,
  );
}

/** What only people and channels leave behind: an alert, what was sent of it, a change of a budget. */
async function leaveTraces(database: FreshDatabase): Promise<void> {
  await sql(
    database.url,
    `WITH made AS (
       INSERT INTO spanmeter.alerts (tenant_id, kind, subject, severity, state, fingerprint, name, summary)
       VALUES ('acme', 'budget', 'proof', 'info', 'resolved', 'proof', 'proof', 'An alert of the proof')
       RETURNING tenant_id, id)
     INSERT INTO spanmeter.notifications (tenant_id, alert_id, channel, outcome, name)
     SELECT tenant_id, id, 'proof', outcome, 'proof' FROM made, unnest(ARRAY['sent', 'sent', 'dropped']) outcome`,
  );
  await sql(
    database.url,
    `INSERT INTO spanmeter.audit_log (actor, action, tenant_id, target)
     VALUES ('proof', 'budget.add', 'acme', 'acme-month')`,
  );
}

/** Tenants in their zones, and budgets of several kinds, before anything is spent. */
async function prepare(
  database: FreshDatabase,
  organisations: readonly Organisation[],
  limits: SeedOptions['limits'] = {},
): Promise<void> {
  for (const { tenant, zone } of organisations) {
    await sql(
      database.url,
      `INSERT INTO spanmeter.tenants (id, timezone) VALUES ($1, $2)
       ON CONFLICT (id) DO UPDATE SET timezone = excluded.timezone`,
      [tenant, zone],
    );
  }
  const limit = { ...LIMITS, ...limits };
  await sql(
    database.url,
    `INSERT INTO spanmeter.budgets (tenant_id, id, name, scope, scope_value, period, limit_usd, hard, thresholds)
     VALUES ('acme', 'acme-month', 'Acme month', 'tenant', NULL, 'month', $1, true, '{0.5,0.8,1}'),
            ('acme', 'acme-platform', 'Platform team', 'team', 'platform', 'month', $2, false, '{0.5,0.8,1}'),
            ('globex', 'globex-day', 'Globex day', 'tenant', NULL, 'day', $3, false, '{0.5,0.8,1}'),
            ('kolkata-labs', 'kolkata-user', 'Ana', 'user', 'ana@kolkata-labs', 'month', $4, false, '{0.8,1}'),
            ('', 'all-month', 'Everybody', 'all', NULL, 'month', $5, false, '{0.5,0.8,1}')`,
    [
      limit['acme-month'],
      limit['acme-platform'],
      limit['globex-day'],
      limit['kolkata-user'],
      limit['all-month'],
    ],
  );
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

async function watched(prometheus: TestPrometheus): Promise<void> {
  await until(
    () => prometheus.query('min(count_over_time(up{job=~"spanmeter.*"}[1m]))'),
    ([sample]) => (sample?.value ?? 0) >= 3,
  );
}

/** What counts in each tenant's own month. */
function ofThisMonth(sent: Oracle): Oracle {
  const nowMs = Date.now();
  const month = (zone: string, ms: number): string => dayIn(zone, ms).slice(0, 7);
  return sent.where(({ zone, startedMs }) => month(zone, startedMs) === month(zone, nowMs));
}

/** Doubles what old calls of one model cost; resolves with them as they stand then. */
async function reprice(
  collector: CollectorProcess,
  database: FreshDatabase,
  history: readonly SentCall[],
): Promise<readonly SentCall[]> {
  const to = new Date(Date.now() - 2 * HOUR_MS);
  const from = new Date(Date.now() - 60 * DAY_MS);
  const file = join(collector.dataDir, 'reprice.yaml');
  await writeFile(file, REPRICED);
  const days = ['--from', from.toISOString(), '--to', to.toISOString()];
  const done = await spanmeterWith(
    collector,
    { DATABASE_URL: database.url },
    'reprice',
    '--config',
    join(REPOSITORY, 'otel-config.yaml'),
    '--prices',
    file,
    '--yes',
    '--model',
    REPRICED_MODEL,
    '--reason',
    'contract',
    ...days,
  );
  if (done.code !== 0) throw new Error(`reprice: ${done.stdout}${done.stderr}`);
  return history.map((call) => {
    const dear = call.model === REPRICED_MODEL && call.status === 'priced' && call.startedMs < to.getTime();
    return dear && call.cost !== null ? { ...call, cost: call.cost * 2n } : call;
  });
}

const SIZE: TrafficSize = { historyDays: 40, callsADay: 100, callsToday: 900, quietMs: HOUR_MS / 2 };

/** Fills a collector's database with weeks of known calls, then lets Prometheus watch some seconds of live ones. */
export async function seedStack(options: SeedOptions): Promise<SeededStack> {
  const { organisations = ORGANISATIONS, size = SIZE, rounds = 12, callsARound = 32 } = options;
  const database = await freshDatabase();
  await prepare(database, organisations, options.limits);
  await leaveTraces(database);
  const sink = await startOtlpSink();
  const more = {
    exporters: { postgres: { capacity: '1TiB' }, 'otlp_http/proof': { endpoint: sink.url } },
    extensions: { alerts: { channels: { hook: { type: 'webhook', url: `${sink.url}${HOOK}` } } } },
    service: {
      extensions: ['journal', 'health_check', 'api', 'api_key_auth', 'alerts'],
      pipelines: { traces: { exporters: ['postgres', 'prometheus', 'otlp_http/proof'] } },
    },
  };
  const collector = await startKeyedCollector(
    [
      { id: 'gateway', key: KEYS.gateway, role: 'gateway' },
      { id: 'admin', key: KEYS.admin, role: 'admin' },
    ],
    { env: { DATABASE_URL: database.url }, args: ['--config', `yaml:${JSON.stringify(more)}`] },
  );
  const maker = new CallMaker(20_261_121, organisations);
  const before = makeHistory(maker, organisations, size, Date.now());
  await send(collector, before);
  await sendFaults(collector, FAULTS_BEFORE);
  await askApi(collector, 1);
  await stored(database, before.length);

  const prometheus = await startPrometheus({
    program: options.prometheus,
    files: { 'prometheus.yml': prometheusFile(collector, options.ruleFiles ?? []), ...options.files },
  });
  // What was corrected counts from here on; the wait for the first samples is as long anyway.
  const [history] = await Promise.all([
    rounds === 0 ? before : reprice(collector, database, before),
    watched(prometheus),
  ]);
  const live: SentCall[] = [];
  let requests = 0;
  const calls = async (round: readonly SentCall[]): Promise<void> => {
    requests += await send(collector, round);
    live.push(...round);
  };
  for (let round = 0; round < rounds; round++) {
    await calls(makeRound(maker, before, round, callsARound));
    await pause(ROUND_MS);
  }
  if (rounds > 0) {
    const organisation = organisations.find(({ traffic }) => traffic === 'wide') ?? organisations[0]!;
    for (let i = 0; i < NEW_SERVICES; i++) {
      await calls([maker.ofService({ startedMs: Date.now() - 1_000, organisation }, `new-${i}`)]);
    }
    await sendFaults(collector, FAULTS_LIVE);
    await askApi(collector, API_REQUESTS);
  }
  await stored(database, before.length + live.length);
  const sent = new Oracle([...history, ...live]);
  await until(
    () => prometheus.query('sum(genai_calls_total)'),
    ([sample]) => (sample?.value ?? 0) >= sent.count,
  );
  // Figures of the store are read every 30 s: these know all of it, corrections too.
  await until(
    () => prometheus.query('sum(genai_spend_usd{period="month"})'),
    ([sample]) => Math.abs((sample?.value ?? 0) - ofThisMonth(sent).usd) < 1e-6,
  );
  return {
    collector,
    database,
    prometheus,
    sent,
    live: new Oracle(live),
    corrected: new Oracle(history).cost - new Oracle(before).cost,
    corrections: history.filter((call, index) => call.cost !== before[index]!.cost).length,
    requests: requests + FAULTS_LIVE,
    faults: FAULTS_LIVE,
    faultsInAll: FAULTS_BEFORE + FAULTS_LIVE,
    query: (text) => sql(database.url, text),
    hooked: () => sink.requests.filter(({ url }) => url === HOOK).length,
    apiRequests: API_REQUESTS,
    newServices: live.filter((call) => call.service.startsWith('new-') && isBillable(call)).length,
    async dispose() {
      await prometheus.stop();
      await collector.dispose();
      await sink.stop();
      await database.drop();
    },
  };
}
