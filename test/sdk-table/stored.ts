import { randomBytes } from 'node:crypto';
import type { CollectorProcess } from '../support/collector-process.ts';
import type { ServedRequest } from '../support/provider/index.ts';
import { query } from '../support/query.ts';
import { wasToldUsage } from '../support/sdk-counts.ts';
import { settledCalls } from '../support/settled-calls.ts';

/** What the collector has of one scenario. */
export interface Stored {
  readonly calls: number;
  readonly costUsd: number;
  /** Calls that have a price. */
  readonly priced: number;
  /** Of billable calls: input with cached, output, cache reads and writes. */
  readonly tokens: readonly [input: number, output: number, cacheRead: number, cacheWrite: number];
  readonly provider: string;
  /** What billable calls are charged by, one entry a call. */
  readonly charged: readonly Readonly<Record<string, string>>[];
}

/** What is stored of a tenant, by scenario, once all that was acknowledged is. */
export async function storedOf(
  collector: CollectorProcess,
  tenant: string,
): Promise<Readonly<Record<string, Stored>>> {
  await settledCalls(collector);
  const rows = await query<Stored & { feature: string }>(
    collector.databaseUrl(),
    `SELECT coalesce(feature, '') AS feature, count(*)::int AS calls, max(provider) AS provider,
            coalesce(sum(cost_usd), 0)::float8 AS "costUsd", count(cost_usd)::int AS priced,
            coalesce(jsonb_agg(usage ORDER BY usage::text) FILTER (WHERE billable), '[]') AS charged,
            ARRAY[coalesce(sum(input_tokens) FILTER (WHERE billable), 0),
                  coalesce(sum(output_tokens) FILTER (WHERE billable), 0),
                  coalesce(sum(cache_read_tokens) FILTER (WHERE billable), 0),
                  coalesce(sum(cache_write_tokens) FILTER (WHERE billable), 0)]::float8[] AS tokens
       FROM (SELECT *, cost_status NOT IN ('not_billable', 'duplicate') AS billable
               FROM spanmeter.calls WHERE tenant_id = $1) AS calls
      GROUP BY 1`,
    [tenant],
  );
  return Object.fromEntries(rows.map(({ feature, ...stored }) => [feature, stored]));
}

/**
 * Sends the collector one span for each request whose client was told its usage, exactly as the stand-in told it:
 * what these cost is what the scenarios cost, by the collector's own price book.
 */
export async function storeServed(
  collector: CollectorProcess,
  tenant: string,
  requests: readonly ServedRequest[],
  providerOf: (scenario: string) => string,
): Promise<void> {
  const spans = requests
    .filter((each) => wasToldUsage(each) || isCharged(each))
    .map((request) => spanOf(request, tenant, providerOf));
  if (spans.length === 0) return;
  const answer = await fetch(`http://127.0.0.1:${collector.ports.http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  });
  if (answer.status !== 200) throw new Error(`the collector answered ${answer.status}`);
}

/** Whether a request costs something whoever is told of it. */
function isCharged({ charged, status }: ServedRequest): boolean {
  return charged !== undefined && status === 200;
}

const NONE: Readonly<Record<string, number>> = {};

/** Operations by what their paths end with; everything else is chat. */
const OPERATIONS: readonly (readonly [RegExp, string])[] = [
  [/embed/i, 'embeddings'],
  [/\/images\//, 'image_generation'],
  [/\/speech$/, 'speech'],
  [/\/transcriptions$/, 'transcription'],
  [/\/translations$/, 'translation'],
];

function spanOf(request: ServedRequest, tenant: string, providerOf: (scenario: string) => string): unknown {
  const { usage, scenario, model, path, charged = NONE } = request;
  const now = String(BigInt(Date.now()) * 1_000_000n);
  const operation = OPERATIONS.find(([ending]) => ending.test(path))?.[1] ?? 'chat';
  const provider = providerOf(scenario);
  const cacheWrite = usage.cacheWrite5m + usage.cacheWrite1h;
  const texts: Record<string, string> = {
    'tenant.id': tenant,
    'spanmeter.feature': scenario,
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
    'gen_ai.response.model': model,
  };
  const hasTokens = usage.input + usage.output + usage.cacheRead + cacheWrite > 0;
  const counts: Record<string, number> = {
    ...charged,
    ...(usage.audioInput > 0 ? { 'gen_ai.usage.audio.input_tokens': usage.audioInput } : {}),
  };
  const tokens: Record<string, number> = {
    'gen_ai.usage.input_tokens': usage.input + usage.cacheRead + cacheWrite,
    ...(operation !== 'embeddings' ? { 'gen_ai.usage.output_tokens': usage.output } : {}),
    ...(usage.cacheRead > 0 ? { 'gen_ai.usage.cache_read.input_tokens': usage.cacheRead } : {}),
    ...(cacheWrite > 0 ? { 'gen_ai.usage.cache_write.input_tokens': cacheWrite } : {}),
    ...(usage.reasoning > 0 ? { 'gen_ai.usage.reasoning.output_tokens': usage.reasoning } : {}),
  };
  if (hasTokens || charged === NONE) Object.assign(counts, tokens);
  if (provider === 'anthropic' || usage.cacheWrite1h > 0) {
    counts['anthropic.usage.cache_creation.ephemeral_5m_input_tokens'] = usage.cacheWrite5m;
    counts['anthropic.usage.cache_creation.ephemeral_1h_input_tokens'] = usage.cacheWrite1h;
  }
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: `${operation} ${model}`,
    kind: 3,
    startTimeUnixNano: now,
    endTimeUnixNano: now,
    attributes: [
      ...Object.entries(texts).map(([key, value]) => ({ key, value: { stringValue: value } })),
      ...Object.entries(counts).map(([key, value]) => ({
        key,
        value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value },
      })),
    ],
  };
}
