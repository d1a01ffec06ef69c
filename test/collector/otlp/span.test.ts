import assert from 'node:assert/strict';
import type { AttributeValue, GenAiSpan } from '@spanmeter/processors';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import { createSpanDecoder, type SpanDecoderOptions } from '@spanmeter/collector/dist/otlp/span.js';
import { buildTraces, DoubleValue, type BuilderAttributes } from '../../support/otlp-builder.ts';
import { decodeRequest, encode, Generator, hasPossibleIds, spansOf, type Plain } from './oracle.ts';

const hexOf = (value: unknown): string => ((value ?? 'hex:') as string).slice(4);

function expectedValue(value: Plain | undefined): AttributeValue | undefined {
  if (value === undefined) return undefined;
  if ('stringValue' in value) return value['stringValue'] as string;
  if ('boolValue' in value) return value['boolValue'] as boolean;
  if ('doubleValue' in value) return value['doubleValue'] as number;
  if ('bytesValue' in value) return new Uint8Array(Buffer.from(hexOf(value['bytesValue']), 'hex'));
  if ('intValue' in value) {
    const wide = BigInt(value['intValue'] as string);
    return Number.isSafeInteger(Number(wide)) ? Number(wide) : wide;
  }
  if ('arrayValue' in value) {
    const values = ((value['arrayValue'] as Plain)['values'] ?? []) as Plain[];
    return values.map(expectedValue).filter((item) => item !== undefined);
  }
  if ('kvlistValue' in value) return expectedMap((value['kvlistValue'] as Plain)['values']);
  return undefined;
}

function expectedMap(attributes: unknown): Map<string, AttributeValue> {
  const map = new Map<string, AttributeValue>();
  for (const { key, value } of (attributes ?? []) as { key?: string; value?: Plain }[]) {
    const decoded = expectedValue(value);
    if (decoded !== undefined) map.set(key ?? '', decoded);
  }
  return map;
}

function expectedSpan({ span, resource, scope }: { span: Plain; resource: Plain; scope: Plain }): GenAiSpan {
  const parent = hexOf(span['parentSpanId']);
  return {
    traceId: hexOf(span['traceId']),
    spanId: hexOf(span['spanId']),
    parentSpanId: /^0*$/.test(parent) ? null : parent,
    name: (span['name'] ?? '') as string,
    kind: (span['kind'] ?? 0) as number,
    startUnixNano: BigInt((span['startTimeUnixNano'] ?? '0') as string),
    endUnixNano: BigInt((span['endTimeUnixNano'] ?? '0') as string),
    statusCode: (((span['status'] ?? {}) as Plain)['code'] ?? 0) as number,
    traceState: (span['traceState'] ?? '') as string,
    attributes: expectedMap(span['attributes']),
    resource: new Map(
      [...expectedMap(resource['attributes'])].filter(([, value]) => typeof value !== 'object'),
    ),
    scope: { name: (scope['name'] ?? '') as string, version: (scope['version'] ?? '') as string },
    oversizedAttributes: 0,
  };
}

const EVERYTHING: SpanDecoderOptions = {
  keys: ['gen_ai.system', 'k'],
  prefixes: [''],
  maxValueBytes: 1 << 20,
};

/** Attributes come as a map of the decoder's own; for comparison they become a plain one. */
const comparable = (span: GenAiSpan): GenAiSpan => ({ ...span, attributes: new Map(span.attributes) });

function decodeAll(body: Uint8Array, options = EVERYTHING): GenAiSpan[] {
  const { offsets } = scanTraces(body, { keep: 'all', keyPrefixes: [''] });
  return createSpanDecoder(options)(body, offsets);
}

function decodeOne(attributes: BuilderAttributes, options: Partial<SpanDecoderOptions> = {}): GenAiSpan {
  const body = buildTraces([{ spans: [{ name: 'chat', startUnixNano: 1n, endUnixNano: 2n, attributes }] }]);
  return decodeAll(body, { ...EVERYTHING, ...options })[0]!;
}

describe('the decoding of GenAI spans', () => {
  it('agrees with the oracle on random requests, in every legal layout of their bytes', () => {
    const decode = createSpanDecoder(EVERYTHING);
    let compared = 0;
    for (let seed = 0; seed < 500; seed++) {
      const generator = new Generator(seed);
      const plain = encode('ExportTraceServiceRequest', generator.request());
      const body = seed % 2 === 0 ? plain : new Uint8Array(generator.rewritten(plain));
      const scanned = scanTraces(body, { keep: 'all', keyPrefixes: [''] });
      const expected = spansOf(decodeRequest(scanned.body))
        .filter(({ span }) => hasPossibleIds(span) && span['attributes'] !== undefined)
        .map(expectedSpan);
      assert.deepEqual(decode(scanned.body, scanned.offsets).map(comparable), expected);
      compared += expected.length;
    }
    assert.ok(compared > 1000);
  });

  it('keeps int64 exact to its ends', () => {
    const values = [
      0n,
      -1n,
      2n ** 53n - 1n,
      2n ** 53n,
      -(2n ** 53n),
      2n ** 63n - 1n,
      -(2n ** 63n),
      1n - 2n ** 53n,
    ];
    const { attributes } = decodeOne(Object.fromEntries(values.map((value, i) => [`k${i}`, value])));
    assert.deepEqual(
      [...attributes.values()],
      [0, -1, 9007199254740991, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), -9007199254740991],
    );
  });

  it('decodes only wanted keys and prefixes, by bytes', () => {
    const span = decodeOne(
      { 'gen_ai.a': 1, 'gen_ai.ab': 2, gen_ai: 3, 'llm.x': 4, ключ: 5, other: 6 },
      { keys: ['gen_ai.a', 'ключ', 'gen_ai.a'], prefixes: ['llm.'] },
    );
    assert.deepEqual(
      [...span.attributes],
      [
        ['gen_ai.a', 1],
        ['llm.x', 4],
        ['ключ', 5],
      ],
    );
  });

  it('leaves out and counts values over the limit, in bytes', () => {
    const { attributes, oversizedAttributes } = decodeOne(
      {
        fits: 'é'.repeat(8),
        over: 'é'.repeat(9),
        bytes: new Uint8Array(17),
        list: ['12345678', '12345678'],
        number: 1n << 60n,
      },
      { maxValueBytes: 16 },
    );
    assert.deepEqual([...attributes.keys()], ['fits', 'number']);
    assert.equal(oversizedAttributes, 3);
  });

  it('does not count an unwanted value over the limit', () => {
    const span = decodeOne(
      { big: 'x'.repeat(100_000), 'gen_ai.x': 1 },
      { prefixes: ['gen_ai.'], maxValueBytes: 16 },
    );
    assert.equal(span.oversizedAttributes, 0);
  });

  it('keeps the last value of a repeated key, where the first one was', () => {
    const one = { name: 's', startUnixNano: 1n, endUnixNano: 2n };
    const body = buildTraces([{ spans: [{ ...one, attributes: { a: 1, b: 2 } }] }]);
    const twice = buildTraces([{ spans: [{ ...one, attributes: { a: 3 } }] }]);
    const attribute = Buffer.from('4a070a016112021803', 'hex');
    assert.ok(Buffer.from(twice).includes(attribute));
    const grown = Buffer.from(body);
    const at = grown.indexOf(Buffer.from('4a070a016212021802', 'hex'));
    attribute.copy(grown, at);
    assert.deepEqual([...decodeAll(grown)[0]!.attributes], [['a', 3]]);
  });

  it('keeps doubles, the whole ones included, as numbers', () => {
    const { attributes } = decodeOne({
      a: new DoubleValue(3),
      b: 0.1,
      c: new DoubleValue(NaN),
      d: new DoubleValue(-0),
    });
    assert.deepEqual([...attributes.values()], [3, 0.1, NaN, -0]);
  });

  it('gives spans of one resource the same decoded resource and scope', () => {
    const span = { name: 's', startUnixNano: 1n, endUnixNano: 2n, attributes: { a: 1 } };
    const group = {
      resource: { 'service.name': 'web' },
      scope: { name: 'lib', version: '1' },
      spans: [span, span],
    };
    const [first, second, third] = decodeAll(buildTraces([group, group]));
    assert.equal(first!.resource, second!.resource);
    assert.equal(first!.scope, second!.scope);
    assert.notEqual(first!.resource, third!.resource);
    assert.deepEqual(first!.resource, third!.resource);
  });

  it('bounds the resource to 128 keys and to scalars', () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key.${i}`, i]));
    const span = { name: 's', startUnixNano: 1n, endUnixNano: 2n, attributes: { a: 1 } };
    const body = buildTraces([
      { resource: { list: [1], raw: new Uint8Array(2), yes: true, big: 2n ** 60n, ...many }, spans: [span] },
    ]);
    const { resource } = decodeAll(body)[0]!;
    assert.equal(resource.size, 128);
    assert.deepEqual([...resource].slice(0, 3), [
      ['yes', true],
      ['big', 2n ** 60n],
      ['key.0', 0],
    ]);
  });

  it('never mixes up texts that share a slot of its cache', () => {
    const decode = createSpanDecoder(EVERYTHING);
    for (let round = 0; round < 3; round++) {
      const spans = Array.from({ length: 4000 }, (_, i) => ({
        name: `name ${i}`,
        startUnixNano: 1n,
        endUnixNano: 2n,
        attributes: { id: `${i}-common-text-${i % 7}`, short: String(i % 1000) },
      }));
      const body = buildTraces([{ spans }]);
      const { offsets } = scanTraces(body, { keep: 'all', keyPrefixes: [''] });
      decode(body, offsets).forEach((span, i) => {
        assert.equal(span.name, `name ${i}`);
        assert.equal(span.attributes.get('id'), `${i}-common-text-${i % 7}`);
        assert.equal(span.attributes.get('short'), String(i % 1000));
      });
    }
  });

  it('returns bytes that do not hold on to the body', () => {
    const body = buildTraces([
      {
        spans: [
          { name: 's', startUnixNano: 1n, endUnixNano: 2n, attributes: { raw: new Uint8Array([1, 2]) } },
        ],
      },
    ]);
    const raw = decodeAll(body)[0]!.attributes.get('raw') as Uint8Array;
    body.fill(0);
    assert.deepEqual(raw, new Uint8Array([1, 2]));
  });
});
