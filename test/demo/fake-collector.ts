/**
 * A process with the collector's surfaces and none of its insides: takes OTLP/JSON, prices every known model
 * at a dollar per million tokens, answers the API. For the demo's own tests.
 */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';

interface Call {
  readonly [dimension: string]: string | number | boolean | null;
}

interface JsonAttribute {
  key: string;
  value: Record<string, string | number>;
}

const calls: Call[] = [];

function plain(attributes: JsonAttribute[] = []): Record<string, string | number | undefined> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

interface TraceRequest {
  resourceSpans: {
    resource: { attributes: JsonAttribute[] };
    scopeSpans: { spans: { attributes: JsonAttribute[]; status?: { code?: number } }[] }[];
  }[];
}

function take({ resourceSpans }: TraceRequest): void {
  for (const { resource, scopeSpans } of resourceSpans) {
    const from = plain(resource.attributes);
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      const found = plain(span.attributes);
      calls.push({
        tenant: String(from['tenant.id']),
        service_name: String(from['service.name']),
        team: String(found['team.id']),
        model: String(found['gen_ai.request.model']),
        input: Number(found['gen_ai.usage.input_tokens'] ?? 0),
        output: Number(found['gen_ai.usage.output_tokens'] ?? 0),
        failed: span.status?.code === 2,
      });
    }
  }
}

function sums(rows: readonly Call[]): Record<string, string | number> {
  const add = (key: string, of = rows): number => of.reduce((sum, call) => sum + Number(call[key]), 0);
  const priced = rows.filter(({ model }) => model !== 'globex-classifier-v2');
  return {
    cost_usd: ((add('input', priced) + add('output', priced)) / 1e6).toFixed(12),
    calls: rows.length,
    errors: add('failed'),
    unpriced_calls: rows.length - priced.length,
    input_tokens: add('input'),
    output_tokens: add('output'),
  };
}

function spend(keys: readonly string[]): unknown {
  const grouped = groupedBy(keys);
  const rows = [...grouped.values()].map((of) => ({
    ...Object.fromEntries(keys.map((key) => [key, of[0]?.[key]])),
    ...sums(of),
  }));
  return { rows, total: sums(calls) };
}

function groupedBy(keys: readonly string[]): Map<string, Call[]> {
  const groups = new Map<string, Call[]>();
  for (const call of calls) {
    const name = keys.map((key) => call[key]).join('\n');
    groups.set(name, [...(groups.get(name) ?? []), call]);
  }
  return groups;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

function listen(variable: string, listener: RequestListener): void {
  const [host, port] = (process.env[variable] ?? '').split(':');
  createServer(listener).listen(Number(port), host);
}

listen('SPANMETER_OTLP_HTTP_ENDPOINT', (request, response) => {
  void bodyOf(request).then((body) => {
    take(JSON.parse(body) as TraceRequest);
    response.end('{}');
  });
});
listen('SPANMETER_HEALTH_ENDPOINT', (_request, response) => response.end('{}'));
listen('SPANMETER_API_ENDPOINT', (request, response) => {
  const url = new URL(request.url ?? '/', 'http://x');
  const answer =
    url.pathname === '/api/v1/summary'
      ? { today: { mean_latency_ms: 321.5 } }
      : spend((url.searchParams.get('group_by') ?? '').split(','));
  response.end(JSON.stringify(answer));
});
process.on('SIGTERM', () => process.exit(0));
