import { createHash, randomUUID } from 'node:crypto';
import { Client } from 'pg';

/** What a test says of a call; the rest is made up. */
export interface StoredCall {
  tenant: string;
  at: string;
  cost?: string | null;
  status?: string;
  provider?: string;
  model?: string;
  team?: string | null;
  user?: string | null;
  session?: string | null;
  agent?: string | null;
  service?: string;
  error?: string | null;
  durationMs?: string;
  traceId?: string;
  spanId?: string;
  feature?: string | null;
}

const JOURNAL = randomUUID();
let made = 0;

function hex(length: number): string {
  made += 1;
  return createHash('sha256').update(String(made)).digest('hex').slice(0, length);
}

async function ensurePartition(client: Client, at: string): Promise<void> {
  const day = new Date(at).toISOString().slice(0, 10);
  const next = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  const name = `calls_${day.replaceAll('-', '')}`;
  await client.query(
    `CREATE TABLE IF NOT EXISTS spanmeter.${name} PARTITION OF spanmeter.calls
     FOR VALUES FROM ('${day} 00:00:00Z') TO ('${next} 00:00:00Z')`,
  );
}

async function insertCall(client: Client, call: StoredCall): Promise<void> {
  const status = call.status ?? 'priced';
  const cost = call.cost === undefined ? '0.001350000000' : call.cost;
  const provider = call.provider ?? 'anthropic';
  const model = call.model ?? 'claude-haiku-4-5';
  const service = call.service ?? 'checkout';
  const team = call.team ?? null;
  const feature = call.feature ?? null;
  const error = call.error ?? null;
  await client.query(
    `INSERT INTO spanmeter.calls (tenant_id, started_at, trace_id, span_id, received_at, duration_ms, operation,
       provider, model, service_name, team, user_id, feature, input_tokens, output_tokens, usage, usage_source,
       cost_usd, cost_status, price_version, time_source, error_type, dialect, attribution, attributes,
       session_id, agent_name)
     VALUES ($1, $2, $3, $4, $2, $5, 'chat', $6, $7, $8, $9, $10, $11, 450, 180, '{"input":"450","output":"180"}',
       'reported', $12, $13, 'v1', 'start', $14, 'otel', '{}', '{}', $15, $16)`,
    [
      call.tenant,
      call.at,
      call.traceId ?? hex(32),
      call.spanId ?? hex(16),
      call.durationMs ?? '800.5',
      provider,
      model,
      service,
      team,
      call.user ?? null,
      feature,
      cost,
      status,
      error,
      call.session ?? null,
      call.agent ?? null,
    ],
  );
  const dimensions = [provider, model, service, team, feature, status];
  const hash = createHash('md5').update(JSON.stringify(dimensions)).digest();
  await client.query(
    `INSERT INTO spanmeter.spend_rollup AS r (tenant_id, bucket_start, provider, model, operation, service_name, team,
       feature, cost_status, dimensions_hash, journal_id, calls, errors, input_tokens, cache_read_tokens,
       cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, reported_cost_usd)
     VALUES ($1, date_bin('15 minutes', $2::timestamptz, 'epoch'::timestamptz), $3, $4, 'chat', $5, $6, $7, $8, $9,
       $10, 1, $11, 450, 0, 0, 180, 0, $12, 0)
     ON CONFLICT (tenant_id, bucket_start, dimensions_hash, journal_id) DO UPDATE SET calls = r.calls + 1,
       errors = r.errors + excluded.errors, input_tokens = r.input_tokens + 450,
       output_tokens = r.output_tokens + 180, cost_usd = r.cost_usd + excluded.cost_usd`,
    [
      call.tenant,
      call.at,
      provider,
      model,
      service,
      team,
      feature,
      status,
      hash,
      JOURNAL,
      error === null ? 0 : 1,
      cost ?? '0',
    ],
  );
}

/** Stores calls and their rollups as the exporter would. */
export async function storeCalls(url: string, calls: readonly StoredCall[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const call of calls) {
      await ensurePartition(client, call.at);
      await insertCall(client, call);
    }
  } finally {
    await client.end();
  }
}

/** Registers tenants with their time zones. */
export async function storeTenants(url: string, zones: Readonly<Record<string, string>>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const [id, zone] of Object.entries(zones)) {
      await client.query('INSERT INTO spanmeter.tenants (id, timezone) VALUES ($1, $2)', [id, zone]);
    }
  } finally {
    await client.end();
  }
}
