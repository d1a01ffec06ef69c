import assert from 'node:assert/strict';
import { estimateKeys, type GenAiSpan } from '@spanmeter/processors';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import { createSpanDecoder } from '@spanmeter/collector/dist/otlp/span.js';
import { chatSpan } from '../../support/chat-span.ts';
import { cpuTimeMs } from '../../support/cpu-time.ts';
import { buildTraces, type BuilderAttributes } from '../../support/otlp-builder.ts';

const { content } = estimateKeys('content');

function decode(attributes: BuilderAttributes, withContent = true): GenAiSpan {
  const body = buildTraces([{ spans: [chatSpan({ attributes })] }]);
  const scanned = scanTraces(body, { keep: 'all', keyPrefixes: [''] });
  const decoder = createSpanDecoder({
    keys: ['gen_ai.request.model'],
    prefixes: [],
    maxValueBytes: 256,
    ...(withContent ? { content } : {}),
  });
  const [span] = decoder(body, scanned.offsets);
  assert.ok(span !== undefined);
  return span;
}

describe('the content of a span', () => {
  it('is kept apart from its attributes, whatever its size, and decoded only as far as it is asked for', () => {
    const text = 'é'.repeat(100_000);
    const span = decode({ 'gen_ai.prompt.0.content': text, 'gen_ai.completion.0.content': 'yes' });
    assert.deepEqual([...span.attributes.keys()], ['gen_ai.request.model']);
    assert.equal(span.oversizedAttributes, 0);
    const [prompt, completion] = span.content!.parts;
    assert.deepEqual(
      [prompt!.key, prompt!.bytes, prompt!.text(6)],
      ['gen_ai.prompt.0.content', 200_000, 'ééé'],
    );
    assert.equal(prompt!.text(1_000_000), text);
    assert.equal(completion!.text(100), 'yes');
    assert.equal(span.content!.complete, true);
  });

  it('is not looked at where nobody asks for it', () => {
    const span = decode({ 'gen_ai.prompt.0.content': 'hello', 'input.value': 'hello' }, false);
    assert.equal(span.content, undefined);
    assert.deepEqual([...span.attributes.keys()], ['gen_ai.request.model']);
  });

  it('is JSON where it comes as lists and maps, with bytes as what they are', () => {
    const span = decode({
      'gen_ai.input.messages': [{ role: 'user', n: 5, parts: [{ content: 'hi', data: new Uint8Array(3) }] }],
    });
    assert.deepEqual(JSON.parse(span.content!.parts[0]!.text(1000)), [
      { role: 'user', n: 5, parts: [{ content: 'hi', data: 'data:;base64,3' }] },
    ]);
  });

  it('is bounded, and says that something was left out', () => {
    const many = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, i) => [`gen_ai.prompt.${i}.content`, 'a']),
    );
    const started = cpuTimeMs();
    const span = decode(many);
    assert.ok(cpuTimeMs() - started < 10_000);
    assert.equal(span.content!.parts.length, 1024);
    assert.equal(span.content!.complete, false);
    const large = decode({ 'gen_ai.input.messages': [{ content: 'a'.repeat(300_000) }] });
    assert.deepEqual([large.content!.parts.length, large.content!.complete], [0, false]);
  });
});
