/** Sums of one group as `GET /api/v1/spend` answers them; the amount is exact decimal text. */
export interface SpendGroup {
  readonly name: string;
  readonly costUsd: string;
  readonly calls: number;
  readonly errors: number;
  readonly unpricedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What the view shows, read at one moment. */
export interface Reading {
  readonly total: SpendGroup;
  readonly tenants: readonly SpendGroup[];
  readonly teams: readonly SpendGroup[];
  readonly models: readonly SpendGroup[];
  readonly services: readonly SpendGroup[];
  readonly meanLatencyMs: number | null;
}

type Row = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 5000;

async function getJson(url: string): Promise<Row> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Row;
}

function numberAt(row: Row, key: string): number {
  const value = row[key];
  return typeof value === 'number' ? value : 0;
}

function toGroup(row: Row, keys: readonly string[]): SpendGroup {
  const names = keys.map((key) => (typeof row[key] === 'string' ? row[key] : '-'));
  const cost = row['cost_usd'];
  return {
    name: names.join('/'),
    costUsd: typeof cost === 'string' ? cost : '0',
    calls: numberAt(row, 'calls'),
    errors: numberAt(row, 'errors'),
    unpricedCalls: numberAt(row, 'unpriced_calls'),
    inputTokens: numberAt(row, 'input_tokens'),
    outputTokens: numberAt(row, 'output_tokens'),
  };
}

async function groups(
  api: string,
  keys: readonly string[],
): Promise<{ rows: SpendGroup[]; total: SpendGroup }> {
  const answer = await getJson(`${api}/api/v1/spend?group_by=${keys.join(',')}`);
  const rows = Array.isArray(answer['rows']) ? (answer['rows'] as Row[]) : [];
  return { rows: rows.map((row) => toGroup(row, keys)), total: toGroup((answer['total'] ?? {}) as Row, []) };
}

/** Reads spend by every dimension of the view. Rejects while the API does not answer. */
export async function readSpend(api: string): Promise<Reading> {
  const [tenants, teams, models, services, summary] = await Promise.all([
    groups(api, ['tenant']),
    groups(api, ['tenant', 'team']),
    groups(api, ['model']),
    groups(api, ['service_name']),
    getJson(`${api}/api/v1/summary`),
  ]);
  const today = (summary['today'] ?? {}) as Row;
  const latency = today['mean_latency_ms'];
  return {
    total: tenants.total,
    tenants: tenants.rows,
    teams: teams.rows,
    models: models.rows,
    services: services.rows,
    meanLatencyMs: typeof latency === 'number' ? latency : null,
  };
}
