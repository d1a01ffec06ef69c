import assert from 'node:assert/strict';
import { scanTraces, type ScanResult } from '@spanmeter/collector/dist/otlp/scan.js';
import { createSpanDecoder } from '@spanmeter/collector/dist/otlp/span.js';
import { extractSpans } from '@spanmeter/collector/dist/otlp/extract.js';
import { countItems } from '@spanmeter/collector/dist/otlp/response.js';
import { spliceAttributes } from '@spanmeter/collector/dist/otlp/splice.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { buildTraces, lengthDelimited } from '../../support/otlp-builder.ts';
import { encode, Generator, isWellFormed } from './oracle.ts';

const decodeSpans = createSpanDecoder({ keys: ['gen_ai.system'], prefixes: [''], maxValueBytes: 1 << 20 });

/** Scans; what passes also goes through everything behind the door. Null where it was refused. */
function through(body: Uint8Array): ScanResult | null {
  let result: ScanResult;
  try {
    result = scanTraces(body, { keep: 'gen_ai', keyPrefixes: ['gen_ai.', 'llm.', 'z'] });
  } catch (error) {
    assert.ok(error instanceof Refusal && error.code === 'invalid', `threw ${String(error)}`);
    return null;
  }
  const spans = decodeSpans(result.body, result.offsets);
  assert.equal(spans.length, result.genAiSpans);
  const spliced = spliceAttributes(
    result.body,
    result.offsets,
    spans.map(() => [['added', 'x'] as const]),
  );
  assert.ok(isWellFormed(spliced));
  assert.ok(
    isWellFormed(
      extractSpans(
        result.body,
        result.offsets,
        spans.map((_, i) => i),
      ),
    ),
  );
  return result;
}

const agrees = (body: Uint8Array): void => {
  assert.equal(through(body) !== null, isWellFormed(body), `differs on ${Buffer.from(body).toString('hex')}`);
};

const rich = (seed: number): Uint8Array => {
  const generator = new Generator(seed);
  const scopeSpans = [
    { scope: { name: 'lib', version: '1' }, spans: [generator.span(), generator.span(), generator.span()] },
  ];
  return encode('ExportTraceServiceRequest', {
    resourceSpans: [{ resource: { attributes: generator.attributes() }, scopeSpans }],
  });
};

describe('hostile bytes at the door', () => {
  it('accept exactly the prefixes that the oracle accepts, at every byte of rich requests', () => {
    for (let seed = 0; seed < 12; seed++) {
      const body = rich(seed);
      for (let end = 0; end <= body.length; end++) agrees(body.slice(0, end));
    }
  });

  it('accept exactly what the oracle accepts of 12,000 requests with flipped bits', () => {
    const generator = new Generator(7);
    let accepted = 0;
    for (let round = 0; round < 12_000; round += 200) {
      const body = rich(round);
      for (let i = 0; i < 200; i++) {
        const flipped = body.slice();
        for (let n = generator.below(3); n >= 0; n--)
          flipped[generator.below(flipped.length)]! ^= 1 << generator.below(8);
        agrees(flipped);
        if (isWellFormed(flipped)) accepted++;
      }
    }
    assert.ok(accepted > 1200, 'flips in values are accepted, so both answers are tested');
  });

  it('accept exactly what the oracle accepts of 16,000 random byte strings', () => {
    const generator = new Generator(8);
    for (let i = 0; i < 16_000; i++) {
      const body = generator.bytes(generator.below(24));
      agrees(body);
      agrees(lengthDelimited(1, lengthDelimited(2, lengthDelimited(2, lengthDelimited(9, body)))));
    }
  });

  const inSpan = (...parts: Uint8Array[]): Buffer =>
    lengthDelimited(1, lengthDelimited(2, lengthDelimited(2, ...parts)));
  const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
  const refused: readonly (readonly [string, Buffer])[] = [
    ['a varint over ten bytes', hex('30 80 80 80 80 80 80 80 80 80 80 01')],
    ['a varint over 64 bits', hex('30 80 80 80 80 80 80 80 80 80 02')],
    ['field number 0', hex('00 00')],
    ['field number 0 in a longer tag', hex('80 00 00')],
    ['a field number over 29 bits', hex('80 80 80 80 10 00')],
    ['wire type 6', hex('a6 06')],
    ['wire type 7', hex('a7 06')],
    ['a group that never ends', hex('a3 06 08 01')],
    ['the end of another group', hex('a3 06 ac 06')],
    ['an end without a group', hex('a4 06')],
    ['a known field as a group', hex('4b 4c')],
    ['a known field with another wire type', hex('48 01')],
    ['a length over the end', hex('0a 05 01')],
  ];
  for (const [what, bytes] of refused) {
    it(`are refused for ${what}`, () => {
      assert.equal(isWellFormed(inSpan(bytes)), false);
      assert.equal(through(inSpan(bytes)), null);
    });
  }

  it('skip unknown groups, also nested', () => {
    const body = inSpan(hex('a3 06 08 01 ab 06 0a 01 ff ac 06 a4 06'));
    assert.equal(isWellFormed(body), true);
    assert.equal(through(body)?.rejectedSpans, 1);
  });

  it('refuse values nested too deep without running out of stack', () => {
    const nested = (levels: number): Uint8Array => {
      let value: Uint8Array = Buffer.alloc(0);
      for (let i = 0; i < levels; i++) value = lengthDelimited(5, lengthDelimited(1, value));
      return inSpan(
        lengthDelimited(9, lengthDelimited(1, Buffer.from('gen_ai.x')), lengthDelimited(2, value)),
      );
    };
    assert.equal(isWellFormed(nested(47)), true);
    agrees(nested(47));
    assert.equal(isWellFormed(nested(48)), false);
    for (const levels of [48, 49, 1000, 5000]) assert.equal(through(nested(levels)), null);
    const groups = inSpan(Buffer.alloc(100_000, 0xa3), Buffer.from([6]));
    assert.equal(through(groups), null);
  });

  it('count metrics and logs without throwing anything but a refusal', () => {
    const generator = new Generator(9);
    for (let i = 0; i < 20_000; i++) {
      const body = lengthDelimited(
        1,
        lengthDelimited(2, lengthDelimited(2, generator.bytes(generator.below(16)))),
      );
      for (const signal of ['metrics', 'logs'] as const) {
        try {
          assert.ok(countItems(signal, body) >= 0);
        } catch (error) {
          assert.ok(error instanceof Refusal);
        }
      }
    }
  });

  it('survive a span whose text is not UTF-8', () => {
    const body = buildTraces([
      {
        spans: [
          { name: 'n', startUnixNano: 1n, endUnixNano: 2n, attributes: { 'gen_ai.system': 'a\u00e9' } },
        ],
      },
    ]);
    const at = Buffer.from(body).indexOf('c3a9', 'hex');
    body[at + 1] = 0x28;
    const result = scanTraces(body, { keep: 'all', keyPrefixes: ['gen_ai.'] });
    assert.equal(decodeSpans(result.body, result.offsets)[0]!.attributes.get('gen_ai.system'), 'a\ufffd(');
  });
});
