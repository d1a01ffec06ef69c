import { Agent, request } from 'node:http';
import { buildTraces, type BuilderAttributes, type BuilderGroup } from './otlp-builder.ts';

/** Models with plain rates, in 1e-12 USD per input and output token, for sums that need no price book. */
const RATES: readonly { provider: string; model: string; input: bigint; output: bigint }[] = [
  { provider: 'openai', model: 'gpt-4o', input: 2_500_000n, output: 10_000_000n },
  { provider: 'openai', model: 'gpt-4o-mini', input: 150_000n, output: 600_000n },
  { provider: 'anthropic', model: 'claude-haiku-4-5', input: 1_000_000n, output: 5_000_000n },
  { provider: 'anthropic', model: 'claude-opus-4-1-20250805', input: 15_000_000n, output: 75_000_000n },
];

export interface LoadShape {
  readonly spansPerRequest: number;
  readonly tenants: number;
  readonly services: number;
  /** Share of spans that are GenAI spans, 0 to 1. */
  readonly genAiShare: number;
  /** Attributes a span has in all. */
  readonly attributes: number;
}

export const DEFAULT_SHAPE: LoadShape = {
  spansPerRequest: 512,
  tenants: 100,
  services: 40,
  genAiShare: 1,
  attributes: 24,
};

/** A request made ready to be sent again and again with new ids and times, and what it is worth. */
export interface LoadTemplate {
  readonly calls: number;
  /** Exact cost of one such request in 1e-12 USD. */
  readonly costPicoUsd: bigint;
  /** A copy with ids that no other call of `render` gave, and times at `unixMs`. */
  render(unixMs: number): Buffer;
}

const TRACE_MARK = 'fe'.repeat(12);
const SPAN_MARK = 'fd'.repeat(8);
/** Response ids differ between calls, as the providers' do: equal ones would be one call told twice. */
const RESPONSE_MARK = 'resp-mark-0000000000';
const TIME_MARK = 0x7e7e_7e7e_7e7e_7e7en;
let renders = 0;
/** Keeps the ids of two processes, or two runs, apart. */
const RUN = BigInt(Date.now()) * 1000n + BigInt(process.pid % 1000);

/** Builds the payload of the benchmarks: about 1 KB a span with 24 attributes. */
export function loadTemplate(shape: LoadShape = DEFAULT_SHAPE): LoadTemplate {
  const groups = new Map<string, BuilderGroup & { spans: unknown[] }>();
  let costPicoUsd = 0n;
  let calls = 0;
  for (let index = 0; index < shape.spansPerRequest; index++) {
    const isGenAi = (index * shape.genAiShare) % 1 < shape.genAiShare;
    const tenant = `tenant-${index % shape.tenants}`;
    const service = `service-${index % shape.services}`;
    const key = `${tenant}/${service}`;
    const group: BuilderGroup & { spans: unknown[] } = groups.get(key) ?? {
      resource: { 'service.name': service, 'tenant.id': tenant, 'deployment.environment.name': 'production' },
      scope: { name: 'load', version: '1.0.0' },
      spans: [],
    };
    groups.set(key, group);
    const input = 100 + ((index * 37) % 900);
    const output = 10 + ((index * 17) % 400);
    const rate = RATES[index % RATES.length]!;
    if (isGenAi) {
      calls++;
      costPicoUsd += BigInt(input) * rate.input + BigInt(output) * rate.output;
    }
    group.spans.push({
      traceId: TRACE_MARK + index.toString(16).padStart(8, '0'),
      spanId: SPAN_MARK,
      name: isGenAi ? `chat ${rate.model}` : 'GET /cart',
      startUnixNano: TIME_MARK,
      endUnixNano: TIME_MARK,
      attributes: isGenAi ? genAiAttributes(rate, input, output, index, shape) : webAttributes(shape),
    });
  }
  return { calls, costPicoUsd, render: renderer(buildTraces([...groups.values()])) };
}

function padded(
  attributes: Record<string, string | number>,
  prefix: string,
  total: number,
): BuilderAttributes {
  for (let index = Object.keys(attributes).length; index < total; index++) {
    attributes[`${prefix}.${index}`] = `a value of a plausible length ${index}`;
  }
  return attributes;
}

function genAiAttributes(
  rate: { provider: string; model: string },
  input: number,
  output: number,
  index: number,
  shape: LoadShape,
): BuilderAttributes {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': rate.provider,
    'gen_ai.request.model': rate.model,
    'gen_ai.response.model': rate.model,
    'gen_ai.response.id': `${RESPONSE_MARK}-${index}`,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': output,
    'gen_ai.request.max_tokens': 1024,
    'server.address': 'api.example.com',
    'user.id': `user-${index % 50}`,
  };
  return padded(attributes, 'app.detail', shape.attributes);
}

function webAttributes(shape: LoadShape): BuilderAttributes {
  return padded(
    { 'http.request.method': 'GET', 'http.response.status_code': 200 },
    'http.detail',
    shape.attributes,
  );
}

function positions(bytes: Buffer, mark: Buffer): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) found.push(at);
  return found;
}

function renderer(body: Uint8Array): (unixMs: number) => Buffer {
  const template = Buffer.from(body);
  const traces = positions(template, Buffer.from(TRACE_MARK, 'hex'));
  const spans = positions(template, Buffer.from(SPAN_MARK, 'hex'));
  const responses = positions(template, Buffer.from(RESPONSE_MARK));
  const timeBytes = Buffer.alloc(8);
  timeBytes.writeBigUInt64LE(TIME_MARK);
  const times = positions(template, timeBytes);
  return (unixMs) => {
    const copy = Buffer.from(template);
    const render = BigInt(++renders);
    for (const at of traces) {
      copy.writeBigUInt64BE(RUN, at);
      copy.writeUInt32BE(Number(render & 0xffff_ffffn), at + 8);
    }
    for (const at of spans) copy.writeBigUInt64BE((render << 8n) | 1n, at);
    const response = `resp-${render.toString(36).padStart(RESPONSE_MARK.length - 5, '0')}`;
    for (const at of responses) copy.write(response, at, 'latin1');
    const start = BigInt(unixMs) * 1_000_000n;
    for (const [index, at] of times.entries()) {
      copy.writeBigUInt64LE(index % 2 === 0 ? start : start + 250_000_000n, at);
    }
    return copy;
  };
}

/** Posts OTLP protobuf over kept-alive connections. */
export class OtlpSender {
  readonly #agent: Agent;
  readonly #port: number;

  constructor(port: number, connections: number) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** One attempt; resolves with the status, rejects when the connection broke before an answer. */
  post(body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          path: '/v1/traces',
          method: 'POST',
          agent: this.#agent,
          headers: { 'content-type': 'application/x-protobuf', 'content-length': body.length, ...headers },
        },
        (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
          response.once('error', reject);
        },
      );
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
