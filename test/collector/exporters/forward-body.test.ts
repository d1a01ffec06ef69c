import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import {
  createOtlpHttpSender,
  forwardBody,
  otlpHttp,
} from '@spanmeter/collector/dist/exporters/otlp-http.js';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import { createSpanDecoder } from '@spanmeter/collector/dist/otlp/span.js';
import { OFFSET_STRIDE } from '@spanmeter/collector/dist/pipeline/entry.js';
import type { ProcessedBatch } from '@spanmeter/collector/dist/pipeline/batch.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import type { Call } from '@spanmeter/processors';
import { buildCall } from '../../support/call-builder.ts';
import { buildSpan, buildTraces } from '../../support/otlp-builder.ts';
import type { BuilderSpan } from '../../support/otlp-builder.ts';
import { startOtlpSink } from '../../support/otlp-sink.ts';

const KEEP_ALL = { keep: 'all', keyPrefixes: ['gen_ai.'] } as const;
const decode = createSpanDecoder({ keys: [], prefixes: ['gen_ai.', 'spanmeter.'], maxValueBytes: 65_536 });

function makeSpan(name: string, genAi: boolean): BuilderSpan {
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: Buffer.from(name.padEnd(8).slice(0, 8)).toString('hex'),
    name,
    startUnixNano: 1_790_000_000_000_000_000n,
    endUnixNano: 1_790_000_001_000_000_000n,
    attributes: genAi ? { 'gen_ai.request.model': 'gpt-4o' } : { 'http.route': '/checkout', odd: '\u0000ü' },
    statusCode: 1,
    events: [{ name: 'event', timeUnixNano: 1n, attributes: { a: [1, { b: true }] } }],
  };
}

/** A batch of requests; each is the names of its spans, those that start with `ai` being GenAI. */
function makeBatch(
  requests: readonly (readonly string[])[],
  calls: (name: string) => Call | null,
): ProcessedBatch {
  const context = {
    receivedUnixMs: 1,
    role: 'open',
    tenant: null,
    declaredTenant: null,
    keyId: null,
    team: null,
  } as const;
  const entries = requests.map((names, index) => {
    const built = buildTraces([
      {
        resource: { 'service.name': 'checkout' },
        spans: names.map((name) => makeSpan(name, name.startsWith('ai'))),
      },
    ]);
    const { body, offsets, totalSpans } = scanTraces(built, KEEP_ALL);
    return { signal: 'traces', context, body, offsets, totalSpans, sequence: 11 + index } as const;
  });
  const groups = entries.map((entry) => {
    const spans = decode(entry.body, entry.offsets);
    return { context, spans, calls: spans.map((span) => calls(span.name)), rejections: [] };
  });
  return {
    journalId: 'j',
    afterSequence: 10,
    lastSequence: 10 + requests.length,
    entries,
    groups,
    books: [],
  };
}

function addedTo(body: Uint8Array): Record<string, Record<string, unknown>> {
  const spans = decode(body, scanTraces(body, KEEP_ALL).offsets);
  return Object.fromEntries(
    spans.map((span) => [
      span.name,
      Object.fromEntries([...span.attributes].filter(([key]) => key.startsWith('spanmeter.'))),
    ]),
  );
}

describe('a forwarded body', () => {
  it('has the cost, its status, the price version and the tenant on GenAI spans', () => {
    const [request] = forwardBody(
      makeBatch([['http', 'ai-1']], () => buildCall()),
      1e6,
    );
    assert.deepEqual(addedTo(request!.body), {
      'ai-1': {
        'spanmeter.cost.usd': '0.001350000000',
        'spanmeter.cost.status': 'priced',
        'spanmeter.price.version': 'book-1',
        'spanmeter.tenant': 'acme',
      },
    });
  });

  it('has no cost where it is unknown, 0 where the call is free, and nothing on a rejected span', () => {
    const unknown = buildCall({ costPicoUsd: null, costStatus: 'unpriced_model', priceVersion: null });
    const calls: Record<string, Call | null> = {
      'ai-none': unknown,
      'ai-free': buildCall({ costPicoUsd: 0n }),
      'ai-bad': null,
    };
    const batch = makeBatch([Object.keys(calls)], (name) => calls[name] ?? null);
    const added = addedTo([...forwardBody(batch, 1e6)][0]!.body);
    assert.deepEqual(added['ai-none'], {
      'spanmeter.cost.status': 'unpriced_model',
      'spanmeter.tenant': 'acme',
    });
    assert.equal(added['ai-free']?.['spanmeter.cost.usd'], '0.000000000000');
    assert.deepEqual(added['ai-bad'], {});
  });

  it('leaves every other span as it came, byte for byte, and of GenAI spans all that they had', () => {
    const names = ['http-a', 'ai-1', 'http-b', 'ai-2', 'http-c'];
    const batch = makeBatch([names], () => buildCall());
    const [request] = forwardBody(batch, 1e6);
    const body = Buffer.from(request!.body);
    for (const name of names.filter((one) => one.startsWith('http'))) {
      assert.ok(body.includes(buildSpan(makeSpan(name, false))), name);
    }
    const { offsets } = scanTraces(body, KEEP_ALL);
    assert.equal(offsets.length, 2 * OFFSET_STRIDE);
    for (const [index, name] of ['ai-1', 'ai-2'].entries()) {
      const [from, to] = offsets.subarray(index * OFFSET_STRIDE + 4, index * OFFSET_STRIDE + 6);
      const before = buildSpan(makeSpan(name, true));
      assert.deepEqual(body.subarray(from, to).subarray(0, before.length), before);
      assert.ok(to! - from! > before.length);
    }
  });

  it('is the very bytes of an entry in which nothing is GenAI', () => {
    const batch = makeBatch([['http-a', 'http-b']], () => buildCall());
    const [request] = forwardBody(batch, 1e6);
    assert.equal(request!.body, batch.entries[0]!.body);
    assert.equal(request!.spans, 2);
  });

  it('joins entries up to the size limit, in order, with the sequence to move the cursor to', () => {
    const batch = makeBatch([['ai-1', 'http'], ['ai-2'], ['ai-3'], ['ai-4']], () => buildCall());
    const alone = [...forwardBody(batch, 1)];
    assert.deepEqual(
      alone.map(({ lastSequence, spans }) => [lastSequence, spans]),
      [
        [11, 2],
        [12, 1],
        [13, 1],
        [14, 1],
      ],
    );
    const [a, b] = alone.map(({ body }) => body.length);
    const pairs = [...forwardBody(batch, a! + b!)];
    assert.deepEqual(
      pairs.map(({ lastSequence, spans }) => [lastSequence, spans]),
      [
        [12, 3],
        [14, 2],
      ],
    );
    const whole = [...forwardBody(batch, 1e6)];
    assert.equal(whole.length, 1);
    assert.deepEqual(Buffer.from(whole[0]!.body), Buffer.concat(alone.map(({ body }) => body)));
    assert.deepEqual(Object.keys(addedTo(whole[0]!.body)), ['ai-1', 'ai-2', 'ai-3', 'ai-4']);
    assert.deepEqual(
      [
        ...forwardBody(
          makeBatch([], () => null),
          1e6,
        ),
      ],
      [],
    );
  });

  it('arrives at a destination as it was made', async () => {
    const sink = await startOtlpSink();
    const options = otlpHttp.options.parse({ endpoint: sink.url });
    const sender = createOtlpHttpSender(options, {
      id: 'otlp_http',
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
    });
    const [request] = forwardBody(
      makeBatch([['ai-1', 'http']], () => buildCall()),
      1e6,
    );
    await sender.send(request!.body, AbortSignal.timeout(5_000), request!.spans);
    assert.deepEqual(gunzipSync(sink.requests[0]!.body), Buffer.from(request!.body));
    sender.close();
    await sink.stop();
  });
});
