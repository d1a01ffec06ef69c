import { randomBytes } from 'node:crypto';
import type { CollectorProcess } from './collector-process.ts';
import { query } from './query.ts';
import { until } from './until.ts';

/** What is stored of one tenant. */
export interface TenantCalls {
  readonly calls: number;
  /** Exact, with 12 decimals. */
  readonly costUsd: string;
  readonly statuses: Readonly<Record<string, number>>;
}

const MARK_TENANT = 'mark';

/** Posts one OTLP/JSON span of the tenant `mark`, and waits until its row is there. */
async function passMark(collector: CollectorProcess): Promise<void> {
  const traceId = randomBytes(16).toString('hex');
  const now = BigInt(Date.now()) * 1_000_000n;
  const attribute = (key: string, value: string): unknown => ({ key, value: { stringValue: value } });
  const span = {
    traceId,
    spanId: randomBytes(8).toString('hex'),
    name: 'chat mark',
    kind: 3,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now),
    attributes: [attribute('gen_ai.operation.name', 'chat'), attribute('tenant.id', MARK_TENANT)],
  };
  const answer = await fetch(`http://127.0.0.1:${collector.ports.http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
  if (answer.status !== 200) throw new Error(`the mark was answered ${answer.status}`);
  const text = 'SELECT 1 FROM spanmeter.calls WHERE tenant_id = $1 AND trace_id = $2';
  await until(
    () => query(collector.databaseUrl(), text, [MARK_TENANT, traceId]),
    (rows) => rows.length === 1,
  );
}

/**
 * What is stored, by tenant, once all that was acknowledged before is: the journal is read in order, so what
 * lies before a call of ours is stored when that is.
 */
export async function settledCalls(collector: CollectorProcess): Promise<Record<string, TenantCalls>> {
  await passMark(collector);
  const rows = await query<{ tenant: string; status: string; calls: number; cost: string }>(
    collector.databaseUrl(),
    `SELECT tenant_id AS tenant, cost_status AS status, count(*)::int AS calls,
            sum(coalesce(cost_usd, 0))::numeric(38, 12)::text AS cost
       FROM spanmeter.calls WHERE tenant_id <> $1 GROUP BY 1, 2 ORDER BY 1, 2`,
    [MARK_TENANT],
  );
  const tenants: Record<string, TenantCalls> = {};
  for (const { tenant, status, calls, cost } of rows) {
    const before = tenants[tenant];
    tenants[tenant] = {
      calls: (before?.calls ?? 0) + calls,
      costUsd: addUsd(before?.costUsd ?? '0', cost),
      statuses: { ...before?.statuses, [status]: calls },
    };
  }
  return tenants;
}

/** The sum of two amounts, exact, with 12 decimals. */
export function addUsd(left: string, right: string): string {
  return formatPicoUsd(picoUsd(left) + picoUsd(right));
}

/** An amount in 1e-12 USD as text with 12 decimals. */
export function formatPicoUsd(pico: bigint): string {
  const digits = pico.toString().padStart(13, '0');
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`;
}

function picoUsd(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}
