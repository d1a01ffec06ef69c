import assert from 'node:assert/strict';
import { extractSpans } from '@spanmeter/collector/dist/otlp/extract.js';
import { scanTraces, type ScanResult } from '@spanmeter/collector/dist/otlp/scan.js';
import { spliceAttributes, type Addition } from '@spanmeter/collector/dist/otlp/splice.js';
import { buildTraces, lengthDelimited } from '../../support/otlp-builder.ts';
import { decode, decodeRequest, encode, Generator, type Plain } from './oracle.ts';

const scan = (body: Uint8Array): ScanResult =>
  scanTraces(body, { keep: 'all', keyPrefixes: ['gen_ai.', 'llm.'] });

function randomBody(seed: number): ScanResult {
  const generator = new Generator(seed);
  const plain = encode('ExportTraceServiceRequest', generator.request());
  return scan(seed % 2 === 0 ? plain : new Uint8Array(generator.rewritten(plain)));
}

/** The decoded request, with what `change` makes of each GenAI span (null takes it away). */
function changed(result: ScanResult, change: (span: Plain, index: number) => Plain | null): Plain {
  const starts = new Map<string, number>();
  for (let i = 0; i < result.offsets.length; i += 6) {
    const span = decode('Span', result.body.subarray(result.offsets[i + 4], result.offsets[i + 5]));
    starts.set(JSON.stringify(span), i / 6);
  }
  const request = decodeRequest(result.body);
  for (const rs of (request['resourceSpans'] ?? []) as Plain[]) {
    for (const ss of (rs['scopeSpans'] ?? []) as Plain[]) {
      if (ss['spans'] === undefined) continue;
      ss['spans'] = (ss['spans'] as Plain[]).flatMap((span) => {
        const index = starts.get(JSON.stringify(span));
        return (index === undefined ? span : change(span, index)) ?? [];
      });
    }
  }
  return request;
}

describe('splicing attributes into spans', () => {
  it('adds exactly the attributes, by the oracle, to random requests in every legal layout', () => {
    let added = 0;
    for (let seed = 0; seed < 400; seed++) {
      const result = randomBody(seed);
      const generator = new Generator(seed + 5000);
      const additions: Addition[] = Array.from({ length: result.genAiSpans }, () =>
        generator.pick<Addition>(
          null,
          [],
          [['spanmeter.cost.usd', '0.001350000000']],
          [
            ['spanmeter.tenant', 'Grüße 🎉'],
            ['k'.repeat(200), 'v'.repeat(generator.below(40_000))],
            ['', ''],
          ],
        ),
      );
      const spliced = spliceAttributes(result.body, result.offsets, additions);
      const expected = changed(result, (span, i) => {
        const attributes = (additions[i] ?? []).map(([key, value]) => ({
          ...(key === '' ? {} : { key }),
          value: { stringValue: value },
        }));
        added += attributes.length;
        if (attributes.length === 0) return span;
        return { ...span, attributes: [...((span['attributes'] ?? []) as Plain[]), ...attributes] };
      });
      assert.deepEqual(decodeRequest(spliced), expected);
      assert.equal(scan(spliced).genAiSpans, result.genAiSpans);
      assert.equal(
        spliced === result.body,
        additions.every((addition) => addition === null || addition.length === 0),
      );
    }
    assert.ok(added > 300);
  });

  it('leaves unknown fields and everything around as they were, byte for byte', () => {
    const unknown = lengthDelimited(777, Buffer.from('unknown'));
    const spanContent = Buffer.concat([
      lengthDelimited(1, Buffer.alloc(16, 1)),
      lengthDelimited(2, Buffer.alloc(8, 2)),
      lengthDelimited(9, lengthDelimited(1, Buffer.from('gen_ai.x'))),
      unknown,
    ]);
    const other = lengthDelimited(
      2,
      lengthDelimited(1, Buffer.alloc(16, 3)),
      lengthDelimited(2, Buffer.alloc(8, 4)),
    );
    const around = (span: Buffer): Buffer =>
      Buffer.concat([
        unknown,
        lengthDelimited(1, unknown, lengthDelimited(2, other, lengthDelimited(2, span), unknown), unknown),
        unknown,
      ]);
    const attribute = Buffer.from('4a080a016b12030a0176', 'hex');
    const result = scan(around(spanContent));
    const spliced = spliceAttributes(result.body, result.offsets, [[['k', 'v']]]);
    assert.equal(
      Buffer.from(spliced).toString('hex'),
      around(Buffer.concat([spanContent, attribute])).toString('hex'),
    );
  });

  it('replaces a lone surrogate', () => {
    const span = { name: 's', startUnixNano: 1n, endUnixNano: 2n, attributes: { 'gen_ai.x': 1 } };
    const result = scan(buildTraces([{ spans: [span] }]));
    const spliced = spliceAttributes(result.body, result.offsets, [[['k\ud800', '\udc00v']]]);
    assert.deepEqual(
      decodeRequest(spliced),
      changed(result, (span) => ({
        ...span,
        attributes: [
          ...(span['attributes'] as Plain[]),
          { key: 'k\ufffd', value: { stringValue: '\ufffdv' } },
        ],
      })),
    );
  });
});

describe('extracting spans', () => {
  it('keeps just those spans with their resource and scope, by the oracle', () => {
    for (let seed = 0; seed < 400; seed++) {
      const result = randomBody(seed);
      const generator = new Generator(seed + 9000);
      const chosen = Array.from({ length: result.genAiSpans }, (_, i) => i).filter(
        () => generator.random() < 0.4,
      );
      const extracted = extractSpans(result.body, result.offsets, [...chosen.toReversed(), ...chosen]);
      const wanted = new Set(
        chosen.map((i) =>
          JSON.stringify(
            decode('Span', result.body.subarray(result.offsets[i * 6 + 4], result.offsets[i * 6 + 5])),
          ),
        ),
      );
      const request = decodeRequest(result.body);
      const resourceSpans = ((request['resourceSpans'] ?? []) as Plain[]).flatMap((rs) => {
        const scopeSpans = ((rs['scopeSpans'] ?? []) as Plain[]).flatMap((ss) => {
          const spans = ((ss['spans'] ?? []) as Plain[]).filter((span) => wanted.has(JSON.stringify(span)));
          return spans.length === 0 ? [] : [{ ...ss, spans }];
        });
        return scopeSpans.length === 0 ? [] : [{ ...rs, scopeSpans }];
      });
      assert.deepEqual(decodeRequest(extracted), resourceSpans.length === 0 ? {} : { resourceSpans });
      assert.equal(scan(extracted).genAiSpans, chosen.length);
    }
  });

  it('refuses an index that there is no span of', () => {
    const result = randomBody(1);
    for (const index of [-1, result.genAiSpans, 0.5]) {
      assert.throws(() => extractSpans(result.body, result.offsets, [index]), RangeError);
    }
  });
});
