import { createHash } from 'node:crypto';
import { Client } from 'pg';

/** A stored call with the usage that it is priced from; what a test does not say is made up. */
export interface StoredUsage {
  readonly tenant?: string;
  readonly at: string;
  readonly provider?: string;
  readonly model: string;
  readonly requestModel?: string | null;
  readonly responseModel?: string | null;
  readonly operation?: string;
  readonly service?: string;
  readonly usage: Readonly<Record<string, string>>;
  readonly inputTokens?: number | null;
  readonly outputTokens?: number | null;
  readonly usageSource?: string;
  readonly conditions?: Readonly<Record<string, string | boolean>>;
  /** Exact USD; null where the status has none. */
  readonly cost: string | null;
  readonly status?: string;
  readonly version?: string | null;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly durationMs?: string | null;
  readonly reported?: string | null;
  readonly attributes?: Readonly<Record<string, string>>;
}

let made = 0;
function hex(length: number): string {
  made += 1;
  return createHash('sha256').update(`usage ${made}`).digest('hex').slice(0, length);
}

async function ensurePartition(client: Client, at: string): Promise<void> {
  const day = new Date(at).toISOString().slice(0, 10);
  const next = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  await client.query(
    `CREATE TABLE IF NOT EXISTS spanmeter.calls_${day.replaceAll('-', '')} PARTITION OF spanmeter.calls
     FOR VALUES FROM ('${day} 00:00:00Z') TO ('${next} 00:00:00Z')`,
  );
}

/** Stores calls as the exporter would, without their rollups, which no price is made again from. */
export async function storeUsage(url: string, calls: readonly StoredUsage[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const call of calls) {
      await ensurePartition(client, call.at);
      await client.query(
        `INSERT INTO spanmeter.calls (tenant_id, started_at, trace_id, span_id, received_at, duration_ms, operation,
           provider, model, request_model, response_model, service_name, input_tokens, output_tokens, usage,
           usage_source, conditions, cost_usd, cost_status, price_version, reported_cost_usd, reported_cost_source,
           time_source, dialect, attributes)
         VALUES ($1, $2, $3, $4, $2, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
           'start', 'otel', $22)`,
        [
          call.tenant ?? 'acme',
          call.at,
          call.traceId ?? hex(32),
          call.spanId ?? hex(16),
          call.durationMs === undefined ? '800.5' : call.durationMs,
          call.operation ?? 'chat',
          call.provider ?? 'openai',
          call.model,
          call.requestModel === undefined ? call.model : call.requestModel,
          call.responseModel === undefined ? call.model : call.responseModel,
          call.service ?? 'checkout',
          call.inputTokens === undefined ? 1000 : call.inputTokens,
          call.outputTokens === undefined ? 100 : call.outputTokens,
          JSON.stringify(call.usage),
          call.usageSource ?? 'reported',
          JSON.stringify(call.conditions ?? {}),
          call.cost,
          call.status ?? (call.cost === null ? 'unpriced_model' : 'priced'),
          call.version ?? null,
          call.reported ?? null,
          call.reported == null ? null : 'gen_ai.usage.cost',
          JSON.stringify(call.attributes ?? {}),
        ],
      );
    }
  } finally {
    await client.end();
  }
}

/** A correction as a later run writes it. */
export async function adjustCost(
  url: string,
  call: { readonly tenant: string; readonly traceId: string; readonly spanId: string; readonly at: string },
  to: {
    readonly delta: string;
    readonly oldStatus: string;
    readonly oldVersion: string | null;
    readonly version: string;
  },
): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO spanmeter.cost_adjustments (tenant_id, started_at, trace_id, span_id, reason, delta_usd, old_status,
         new_status, old_price_version, new_price_version, run_id)
       VALUES ($1, $2, $3, $4, 'reprice', $5, $6, 'priced', $7, $8, 'run-1')`,
      [call.tenant, call.at, call.traceId, call.spanId, to.delta, to.oldStatus, to.oldVersion, to.version],
    );
  } finally {
    await client.end();
  }
}
