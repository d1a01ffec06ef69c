import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import {
  createOtlpHttpSender,
  forwardBody,
  otlpHttp,
} from '@spanmeter/collector/dist/exporters/otlp-http.js';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import type { ProcessedBatch } from '@spanmeter/collector/dist/pipeline/batch.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { buildCall } from '../support/call-builder.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import type { BuilderSpan } from '../support/otlp-builder.ts';

const SPANS_PER_REQUEST = 512;
const REQUESTS_PER_BATCH = 8;
const ATTRIBUTES = 24;
const WARM_UP_ROUNDS = 3;
const ROUNDS = 15;
const SAMPLES = 5;

/** Takes everything and answers 200; in a process of its own, so that its CPU is not counted. */
const SINK = `
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());
`;

async function startSink(): Promise<{ url: string; stop: () => void }> {
  const child = spawn(process.execPath, ['-e', SINK], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${line.toString().trim()}`, stop: () => child.stdin.end() };
}

function hash(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

function makeSpan(request: number, index: number, genAi: boolean): BuilderSpan {
  const id = `${request}/${index}`;
  const attributes: Record<string, string | number> = genAi
    ? {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': `model-${index % 20}`,
      }
    : { 'http.request.method': 'POST', 'url.path': '/checkout', 'server.address': `host-${index % 40}` };
  for (let n = Object.keys(attributes).length; n < ATTRIBUTES; n++) {
    attributes[`app.attribute.${n}`] = n % 4 === 0 ? index * n : `value ${n} ${hash(`${id}/${n}`, 12)}`;
  }
  const start = 1_790_000_000_000_000_000n + BigInt(index) * 1_000_000n;
  return {
    traceId: hash(`trace ${id}`, 32),
    spanId: hash(`span ${id}`, 16),
    name: genAi ? 'chat' : 'POST /checkout',
    startUnixNano: start,
    endUnixNano: start + 1_500_000_000n,
    attributes,
  };
}

/** A batch in which `genAiShare` of the spans get our attributes. */
function makeBatch(genAiShare: number): { batch: ProcessedBatch; bytes: number } {
  const context = {
    receivedUnixMs: 1,
    role: 'open',
    tenant: null,
    declaredTenant: null,
    keyId: null,
    team: null,
  } as const;
  const every = Math.round(1 / genAiShare);
  let bytes = 0;
  const entries = Array.from({ length: REQUESTS_PER_BATCH }, (_, request) => {
    const spans = Array.from({ length: SPANS_PER_REQUEST }, (_, index) =>
      makeSpan(request, index, index % every === 0),
    );
    const built = buildTraces([{ resource: { 'service.name': `service-${request}` }, spans }]);
    const { body, offsets, totalSpans } = scanTraces(built, { keep: 'all', keyPrefixes: ['gen_ai.'] });
    bytes += body.length;
    return { signal: 'traces', context, body, offsets, totalSpans, sequence: request + 1 } as const;
  });
  const call = buildCall();
  const groups = entries.map(({ offsets }) => ({
    context,
    spans: [],
    calls: Array.from({ length: offsets.length / 6 }, () => call),
    rejections: [],
  }));
  return {
    batch: { journalId: 'bench', afterSequence: 0, lastSequence: entries.length, entries, groups, books: [] },
    bytes,
  };
}

async function measure(
  url: string,
  genAiShare: number,
  compression: 'gzip' | 'none',
): Promise<Record<string, number>> {
  const options = otlpHttp.options.parse({ endpoint: url, compression });
  const sender = createOtlpHttpSender(options, { id: 'otlp_http', log: SILENT_LOG, metrics: SILENT_METRICS });
  const { batch, bytes } = makeBatch(genAiShare);
  const signal = AbortSignal.timeout(600_000);
  const pass = async (): Promise<void> => {
    for (const { body, spans } of forwardBody(batch, options.max_request_bytes))
      await sender.send(body, signal, spans);
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await pass();
  const perCpuSecond: number[] = [];
  const perSecond: number[] = [];
  const spans = SPANS_PER_REQUEST * REQUESTS_PER_BATCH * ROUNDS;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const start = performance.now();
    const cpu = process.cpuUsage();
    for (let round = 0; round < ROUNDS; round++) await pass();
    const { user, system } = process.cpuUsage(cpu);
    perCpuSecond.push((spans * 1e6) / (user + system));
    perSecond.push((spans * 1e3) / (performance.now() - start));
  }
  sender.close();
  const sorted = perCpuSecond.toSorted((a, b) => a - b);
  const middle = Math.floor(SAMPLES / 2);
  return {
    bytes_per_span: Math.round(bytes / (SPANS_PER_REQUEST * REQUESTS_PER_BATCH)),
    spans_per_cpu_second: Math.round(sorted[middle] ?? 0),
    slowest: Math.round(sorted[0] ?? 0),
    fastest: Math.round(sorted.at(-1) ?? 0),
    spans_per_second: Math.round(perSecond.toSorted((a, b) => a - b)[middle] ?? 0),
  };
}

/** Spans per CPU-second of the sending process: splice, gzip and HTTP to a sink in another process. */
export async function benchForward(): Promise<Record<string, unknown>> {
  const sink = await startSink();
  try {
    return {
      forward_all_gen_ai_gzip: await measure(sink.url, 1, 'gzip'),
      forward_all_gen_ai_plain: await measure(sink.url, 1, 'none'),
      forward_5_percent_gen_ai_gzip: await measure(sink.url, 0.05, 'gzip'),
    };
  } finally {
    sink.stop();
  }
}
