import assert from 'node:assert/strict';
import { scanTraces, type ScanResult } from '@spanmeter/collector/dist/otlp/scan.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import {
  buildSpan,
  buildTraces,
  fixed64Field,
  lengthDelimited,
  varintField,
} from '../../support/otlp-builder.ts';
import {
  decode,
  decodeRequest,
  encode,
  Generator,
  hasPossibleIds,
  isWellFormed,
  keysOf,
  spansOf,
  type Plain,
} from './oracle.ts';

const PREFIXES = ['gen_ai.', 'llm.'];
const isGenAi = (span: Plain): boolean =>
  keysOf(span).some((key) => PREFIXES.some((prefix) => key.startsWith(prefix)));

const scan = (body: Uint8Array, keep: 'all' | 'gen_ai' = 'all'): ScanResult =>
  scanTraces(body, { keep, keyPrefixes: PREFIXES });

/** The spans that the offsets point at, and that each lies in the resource and scope that they name. */
function spansAt(result: ScanResult): Plain[] {
  const spans: Plain[] = [];
  for (let i = 0; i < result.offsets.length; i += 6) {
    const [rs, rsEnd, ss, ssEnd, start, end] = [...result.offsets.subarray(i, i + 6)] as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const span = result.body.subarray(start, end);
    const inScope = decode('ScopeSpans', result.body.subarray(ss, ssEnd))['spans'] as Plain[];
    const decoded = decode('Span', span);
    assert.ok(inScope.some((other) => JSON.stringify(other) === JSON.stringify(decoded)));
    decode('ResourceSpans', result.body.subarray(rs, rsEnd));
    assert.ok(rs <= ss && ss <= start && start <= end && end <= ssEnd && ssEnd <= rsEnd);
    spans.push(decoded);
  }
  return spans;
}

/** The request without impossible spans and, for gen_ai, without scopes and resources that hold no GenAI. */
function expectedRequest(request: Plain, keep: 'all' | 'gen_ai'): Plain {
  const resourceSpans = ((request['resourceSpans'] ?? []) as Plain[]).flatMap((rs) => {
    const scopeSpans = ((rs['scopeSpans'] ?? []) as Plain[]).flatMap((ss) => {
      const spans = ((ss['spans'] ?? []) as Plain[]).filter(hasPossibleIds);
      if (keep === 'gen_ai' && !spans.some(isGenAi)) return [];
      const { spans: _, ...rest } = ss;
      return [spans.length === 0 ? rest : { ...ss, spans }];
    });
    if (keep === 'gen_ai' && scopeSpans.length === 0) return [];
    const { scopeSpans: _, ...rest } = rs;
    return [scopeSpans.length === 0 ? rest : { ...rs, scopeSpans }];
  });
  return resourceSpans.length === 0 ? {} : { resourceSpans };
}

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value as Plain)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, member]) => [key, sorted(member)]),
        )
      : value;

describe('the scan of a trace request', () => {
  it('agrees with the oracle on random requests, in every legal layout of their bytes', () => {
    let genAi = 0;
    let rejected = 0;
    for (let seed = 0; seed < 300; seed++) {
      const generator = new Generator(seed);
      const plain = encode('ExportTraceServiceRequest', generator.request());
      const body = seed % 2 === 0 ? plain : new Uint8Array(generator.rewritten(plain));
      assert.ok(isWellFormed(body));
      const request = decodeRequest(body);
      const spans = spansOf(request).map(({ span }) => span);
      const possible = spans.filter(hasPossibleIds);
      for (const keep of ['all', 'gen_ai'] as const) {
        const result = scan(body, keep);
        assert.equal(result.totalSpans, spans.length);
        assert.equal(result.rejectedSpans, spans.length - possible.length);
        assert.equal(result.rejection === null, result.rejectedSpans === 0);
        assert.deepEqual(spansAt(result), possible.filter(isGenAi));
        assert.equal(result.genAiSpans, possible.filter(isGenAi).length);
        assert.deepEqual(sorted(decodeRequest(result.body)), sorted(expectedRequest(request, keep)));
        if (keep === 'all' && result.rejectedSpans === 0) assert.equal(result.body, body);
      }
      genAi += possible.filter(isGenAi).length;
      rejected += spans.length - possible.length;
    }
    assert.ok(genAi > 250 && rejected > 50, 'the generator makes both kinds');
  });

  it('gives back offsets of the rewritten body that a second scan confirms', () => {
    for (let seed = 1000; seed < 1200; seed++) {
      const body = encode('ExportTraceServiceRequest', new Generator(seed).request());
      const first = scan(body, 'gen_ai');
      const again = scan(first.body, 'gen_ai');
      assert.equal(again.body, first.body);
      assert.deepEqual(again.offsets, first.offsets);
    }
  });

  it('takes an empty request', () => {
    const body = new Uint8Array(0);
    assert.deepEqual(scan(body), {
      body,
      offsets: new Uint32Array(0),
      totalSpans: 0,
      genAiSpans: 0,
      rejectedSpans: 0,
      rejection: null,
    });
  });

  it('returns the same Buffer that came in where nothing is cut', () => {
    const body = Buffer.from(
      buildTraces([
        { spans: [{ name: 'a', startUnixNano: 1n, endUnixNano: 2n, attributes: { 'llm.x': 1 } }] },
      ]),
    );
    assert.equal(scan(body, 'gen_ai').body, body);
  });

  it('copies unknown fields of what it keeps byte for byte', () => {
    const unknown = lengthDelimited(200, Buffer.from('kept'));
    const span = (attributes: Record<string, string>): Buffer =>
      lengthDelimited(2, buildSpan({ name: 's', startUnixNano: 1n, endUnixNano: 2n, attributes }), unknown);
    const good = span({ 'gen_ai.system': 'openai' });
    const bad = lengthDelimited(
      2,
      buildSpan({ traceId: '00', name: 's', startUnixNano: 1n, endUnixNano: 2n, attributes: {} }),
    );
    const dropped = lengthDelimited(2, span({ 'http.route': '/' }));
    const body = Buffer.concat([
      unknown,
      lengthDelimited(1, lengthDelimited(2, unknown, bad, good), dropped, unknown),
      unknown,
    ]);
    const result = scan(body, 'gen_ai');
    const expected = Buffer.concat([
      unknown,
      lengthDelimited(1, lengthDelimited(2, unknown, good), unknown),
      unknown,
    ]);
    assert.equal(Buffer.from(result.body).toString('hex'), expected.toString('hex'));
  });

  it('names what was wrong with refused spans', () => {
    const base = { name: 's', startUnixNano: 1n, endUnixNano: 2n, attributes: {} };
    const body = buildTraces([
      {
        spans: [
          { ...base, traceId: 'ab' },
          { ...base, spanId: '0000000000000000' },
          { ...base, parentSpanId: 'abcd' },
          base,
        ],
      },
    ]);
    const { rejectedSpans, rejection, totalSpans } = scan(body);
    assert.equal(rejectedSpans, 3);
    assert.equal(totalSpans, 4);
    assert.match(rejection!, /refused 3 of 4 spans: 1 .*trace id.*, 1 .*span id.*, 1 .*parent span id/);
  });

  it('compares prefixes as bytes, and an empty prefix takes every span with an attribute', () => {
    const base = { name: 's', startUnixNano: 1n, endUnixNano: 2n };
    const body = buildTraces([
      {
        spans: [
          { ...base, attributes: { 'ключ.x': 1 } },
          { ...base, attributes: { ключ: 1 } },
          { ...base, attributes: {} },
        ],
      },
    ]);
    const found = (keyPrefixes: string[]): number =>
      scanTraces(body, { keep: 'all', keyPrefixes }).genAiSpans;
    assert.equal(found(['ключ.']), 1);
    assert.equal(found(['']), 2);
    assert.equal(found([]), 0);
  });
});

describe('another signal on the traces path', () => {
  const attributes = lengthDelimited(6, lengthDelimited(1, Buffer.from('k')));
  const request = (item: Buffer): Buffer => lengthDelimited(1, lengthDelimited(2, lengthDelimited(2, item)));

  it('is refused for log records', () => {
    const record = Buffer.concat([
      fixed64Field(1, 1n),
      varintField(2, 9n),
      lengthDelimited(5, lengthDelimited(1, Buffer.from('x'))),
      attributes,
    ]);
    assert.throws(
      () => scan(request(record)),
      (error: Error) => error instanceof Refusal && /another signal/.test(error.message),
    );
  });

  it('is refused span by span for a gauge, whose fields have the wire types of a span', () => {
    const metric = Buffer.concat([
      lengthDelimited(1, Buffer.from('process.memory.usage')),
      lengthDelimited(2, Buffer.from('x')),
      lengthDelimited(5),
    ]);
    assert.equal(scan(request(metric)).rejectedSpans, 1);
  });

  it('is refused whole for a sum', () => {
    const metric = Buffer.concat([
      lengthDelimited(1, Buffer.from('name')),
      lengthDelimited(7, lengthDelimited(1)),
    ]);
    assert.throws(() => scan(request(metric)), Refusal);
  });
});
