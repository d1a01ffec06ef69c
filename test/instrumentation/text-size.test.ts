import assert from 'node:assert/strict';
import type { Attributes } from '@opentelemetry/api';
import { sizeOf } from '@spanmeter/processors';

interface TextSize {
  add(text: string): void;
  put(attributes: Attributes, side: 'input' | 'output'): void;
}

/** The package exports only what apps need. */
const MODULE = new URL('../../../instrumentation/dist/text-size.js', import.meta.url).href;
const { sizeOfParts, TextSize } = (await import(MODULE)) as {
  readonly TextSize: new () => TextSize;
  readonly sizeOfParts: (body: unknown, parts: readonly string[]) => TextSize;
};

function told(size: TextSize): Attributes {
  const attributes: Attributes = {};
  size.put(attributes, 'input');
  return attributes;
}

function characters(value: unknown): unknown {
  return told(sizeOfParts({ messages: value }, ['messages']))['spanmeter.usage.estimate.input_characters'];
}

describe('the size of the text of a call', () => {
  it('is counted by the same kinds as the collector counts them', () => {
    for (const text of ['Hello, world 42!', '港口比城市醒得早。', 'naïve €5 😀', '']) {
      const size = new TextSize();
      size.add(text);
      const { characters: all, symbols, wide } = sizeOf(text);
      const got = told(size);
      assert.deepEqual(
        ['characters', 'symbols', 'wide_characters'].map(
          (name) => got[`spanmeter.usage.estimate.input_${name}`] ?? 0,
        ),
        [all, symbols, wide],
        text,
      );
    }
  });

  it('has the text of messages and tools, without roles, ids and types', () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"q":1}' } };
    assert.equal(characters([{ role: 'user', content: 'abc' }]), 3);
    assert.equal(characters([{ role: 'user', content: [{ type: 'text', text: 'abc' }] }]), 3);
    assert.equal(characters([{ role: 'assistant', content: null, tool_calls: [call] }]), 11);
    const tool = { type: 'function', function: { name: 'find', parameters: { max: 12, strict: true } } };
    assert.equal(characters([tool]), 'find'.length + 'max12'.length + 'stricttrue'.length);
  });

  it('is not told where images, tokens, bytes or too many values are a part of it', () => {
    const circle: unknown[] = [];
    circle.push(circle, circle);
    for (const value of [
      [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }],
      ['data:image/png;base64,AAAA'],
      [1, 2, 3],
      new Uint8Array(10),
      Array.from({ length: 30_000 }, () => 'a'),
      circle,
    ]) {
      assert.equal(characters(value), undefined);
    }
  });

  it('looks at the beginning of a long text alone, and counts the kinds as they began', () => {
    const size = new TextSize();
    size.add('ab1'.repeat(1_000_000));
    const got = told(size);
    assert.equal(got['spanmeter.usage.estimate.input_characters'], 3_000_000);
    const symbols = Number(got['spanmeter.usage.estimate.input_symbols']);
    assert.ok(Math.abs(symbols - 1_000_000) < 100, String(symbols));
  });
});
