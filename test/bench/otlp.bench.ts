import { cpus } from 'node:os';
import { pathToFileURL } from 'node:url';
import { tracesJsonToProtobuf } from '@spanmeter/collector/dist/otlp/json.js';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import { createSpanDecoder } from '@spanmeter/collector/dist/otlp/span.js';
import { spliceAttributes } from '@spanmeter/collector/dist/otlp/splice.js';
import { typeOf } from '../collector/otlp/oracle.ts';
import { buildTraces, type BuilderAttributes, type BuilderGroup } from '../support/otlp-builder.ts';

const SPANS = 512;
const ROUNDS = 11;
const ROUND_MS = 100;
const KEY_PREFIXES = ['gen_ai.', 'llm.', 'openinference.', 'traceloop.', 'ai.', 'langfuse.'];

/** What the GenAI dialect of the payload is read with: 17 of its 24 attributes. */
const WANTED_KEYS = [
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'gen_ai.system',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'gen_ai.response.id',
  'gen_ai.response.finish_reasons',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_creation.input_tokens',
  'gen_ai.usage.reasoning.output_tokens',
  'gen_ai.conversation.id',
  'gen_ai.agent.name',
  'server.address',
  'openai.response.service_tier',
  'tenant.id',
  'team.id',
  'user.id',
  'session.id',
  'spanmeter.feature',
];

const MODELS = Array.from({ length: 20 }, (_, i) => `gpt-5.${i % 5}-2026-0${1 + (i % 9)}-1${i % 10}`);

function genAiAttributes(i: number): BuilderAttributes {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': i % 2 === 0 ? 'openai' : 'anthropic',
    'gen_ai.request.model': MODELS[i % 20]!,
    'gen_ai.response.model': MODELS[i % 20]!,
    'gen_ai.response.id': `chatcmpl-Bx${(i * 7919).toString(36).padStart(8, '0')}QbT9KcZ4mWv1nE${i}`,
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.request.temperature': 0.7,
    'gen_ai.request.max_tokens': 4096,
    'gen_ai.request.top_p': 0.95,
    'gen_ai.output.type': 'text',
    'gen_ai.usage.input_tokens': 450 + i * 3,
    'gen_ai.usage.output_tokens': 180 + i,
    'gen_ai.usage.cache_read.input_tokens': 128 * (i % 4),
    'gen_ai.usage.reasoning.output_tokens': 64,
    'gen_ai.conversation.id': `conv_${(i >> 2).toString(16).padStart(24, '0')}`,
    'server.address': 'api.openai.com',
    'server.port': 443,
    'openai.response.service_tier': 'default',
    'tenant.id': `tenant-${i % 100}`,
    'user.id': `user-${(i * 31) % 1000}@example.com`,
    'session.id': `8c2f${(i >> 3).toString(16).padStart(28, '0')}`,
    'spanmeter.feature': 'support-answer',
    'thread.name': 'asyncio_0',
    'code.function.name': 'app.services.assistant.answer_customer_question',
  };
}

function webAttributes(i: number): BuilderAttributes {
  const attributes: Record<string, string | number> = {
    'http.request.method': 'GET',
    'url.full': `https://shop.example.com/api/products/${i}?currency=EUR&page=2`,
    'http.response.status_code': 200,
    'server.address': 'shop.example.com',
    'server.port': 443,
    'network.protocol.version': '1.1',
    'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
    'client.address': '203.0.113.7',
    'http.route': '/api/products/:id',
    'thread.id': 17,
  };
  for (let n = 0; n < 14; n++) attributes[`app.checkout.custom.label_${n}`] = `a fairly usual value ${i + n}`;
  return attributes;
}

/** 512 spans in ten resources of one scope; every `every`-th span is GenAI, spread (or all in one resource). */
export function benchPayload(every: number, gathered = false): Uint8Array {
  const perGroup = Math.ceil(SPANS / 10);
  const groups: BuilderGroup[] = [];
  for (let g = 0; g < 10; g++) {
    const count = Math.min(perGroup, SPANS - g * perGroup);
    groups.push({
      resource: {
        'service.name': `service-${g}`,
        'service.version': '1.14.2',
        'deployment.environment.name': 'production',
        'telemetry.sdk.language': 'python',
        'telemetry.sdk.name': 'opentelemetry',
        'telemetry.sdk.version': '1.40.0',
        'host.name': `node-${g}.eu-central-1.compute.internal`,
      },
      scope: { name: 'opentelemetry.instrumentation.openai_v2', version: '2.3b0' },
      spans: Array.from({ length: count }, (_, s) => {
        const i = g * perGroup + s;
        const genAi = gathered ? g === 0 && s < SPANS / every : i % every === 0;
        return {
          parentSpanId: '00f067aa0ba902b7',
          name: genAi ? `chat ${MODELS[i % 20]}` : 'GET /api/products/:id',
          startUnixNano: 1_790_000_000_000_000_000n + BigInt(i) * 1_000_000n,
          endUnixNano: 1_790_000_001_000_000_000n + BigInt(i) * 1_000_000n,
          attributes: genAi ? genAiAttributes(i) : webAttributes(i),
          statusCode: 1,
        };
      }),
    });
  }
  return buildTraces(groups);
}

interface Figure {
  readonly spansPerSecond: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Median, slowest and fastest of ROUNDS rounds of at least ROUND_MS, after a warm-up. Time is the process's own
 * CPU time, garbage collection and compilation included, so that a busy machine does not show.
 */
function measure(run: () => void): Figure {
  const until = (ms: number): number => {
    const start = process.cpuUsage();
    let runs = 0;
    for (;;) {
      run();
      runs++;
      const { user, system } = process.cpuUsage(start);
      if (user + system >= ms * 1000) return Math.round((runs * SPANS * 1e6) / (user + system));
    }
  };
  until(300);
  const rates = Array.from({ length: ROUNDS }, () => until(ROUND_MS)).toSorted((a, b) => a - b);
  return { spansPerSecond: rates[ROUNDS >> 1]!, min: rates[0]!, max: rates.at(-1)! };
}

/** The same request as OTLP/JSON. */
function jsonOf(body: Uint8Array): Buffer {
  const type = typeOf('ExportTraceServiceRequest');
  const request = type.toObject(type.decode(body), { longs: String, bytes: Array });
  const hex = (key: string, value: unknown): unknown =>
    /[iI]d$/.test(key) && Array.isArray(value) ? Buffer.from(value as number[]).toString('hex') : value;
  return Buffer.from(JSON.stringify(request, hex));
}

const ADDED = [
  ['spanmeter.cost.usd', '0.001350000000'],
  ['spanmeter.cost.status', 'priced'],
  ['spanmeter.price.version', '2026-11-20-3f9a1c77'],
  ['spanmeter.tenant', 'tenant-42'],
] as const;

/** Measures the codec on 512 spans of 24 attributes; prints and answers spans per second of one thread. */
export async function benchOtlp(): Promise<Record<string, unknown>> {
  const mixed = benchPayload(20);
  const gathered = benchPayload(20, true);
  const all = benchPayload(1);
  const keep = (body: Uint8Array, what: 'all' | 'gen_ai') =>
    scanTraces(body, { keep: what, keyPrefixes: KEY_PREFIXES });
  const decode = createSpanDecoder({ keys: WANTED_KEYS, prefixes: [], maxValueBytes: 65_536 });
  const decodeAll = createSpanDecoder({ keys: [], prefixes: [''], maxValueBytes: 65_536 });
  const scanned = keep(all, 'gen_ai');
  const additions = Array.from({ length: scanned.genAiSpans }, () => ADDED);
  const json = jsonOf(all);
  const rival = typeOf('ExportTraceServiceRequest');
  const result = {
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
    bytesPerSpan: Math.round(all.length / SPANS),
    bytesPerSpanMixed: Math.round(mixed.length / SPANS),
    scanGenAi5PercentSpread: measure(() => void keep(mixed, 'gen_ai')),
    scanGenAi5PercentGathered: measure(() => void keep(gathered, 'gen_ai')),
    scanAllGenAi: measure(() => void keep(all, 'gen_ai')),
    decodeWanted: measure(() => void decode(scanned.body, scanned.offsets)),
    scanAndDecodeWanted: measure(() => {
      const found = keep(all, 'gen_ai');
      decode(found.body, found.offsets);
    }),
    scanAndDecodeEveryAttribute: measure(() => {
      const found = keep(all, 'gen_ai');
      decodeAll(found.body, found.offsets);
    }),
    spliceFourAttributes: measure(() => void spliceAttributes(scanned.body, scanned.offsets, additions)),
    jsonToProtobuf: measure(() => void tracesJsonToProtobuf(json)),
    jsonParseAlone: measure(() => void JSON.parse(json.toString('utf8'))),
    protobufjsDecode: measure(() => void rival.decode(all)),
  };
  return await Promise.resolve(result);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(JSON.stringify(await benchOtlp(), null, 2));
}
