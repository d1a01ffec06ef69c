import assert from 'node:assert/strict';
import { createTokenCounter, openTokenCounter } from '@spanmeter/collector/dist/service/token-counter.js';
import type { TokenCounter } from '@spanmeter/processors';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { cpuTimeMs } from '../../support/cpu-time.ts';

const MEGABYTE = 1_048_576;

describe('the token counter', function () {
  let counter: TokenCounter;
  before(async () => {
    counter = await openTokenCounter();
  });
  beforeEach(() => counter.begin());

  it('counts prose exactly as the tokenizer does, though it counts it in slices', () => {
    const text = "The quick brown fox doesn't jump over 42 lazy dogs, and they wonder why. ".repeat(400);
    assert.equal(counter.count('o200k_base', text), countTokens(text));
    assert.equal(counter.count('cl100k_base', 'hello world'), 2);
  });

  it('takes control tokens for text', () => {
    assert.ok((counter.count('o200k_base', '<|endoftext|>') ?? 0) > 1);
  });

  it('stays close on text without any space, and whole where a character is two units', () => {
    const text = '港口比城市醒得早五点钟第一批渔船已经驶过沙洲'.repeat(100);
    const exact = countTokens(text);
    const sliced = counter.count('o200k_base', text) ?? 0;
    assert.ok(Math.abs(sliced - exact) / exact < 0.01, `${sliced} instead of ${exact}`);
    const emoji = `a${'😀'.repeat(2000)}`;
    assert.ok(Math.abs((counter.count('o200k_base', emoji) ?? 0) - countTokens(emoji)) < 20);
  });

  const letters = Array.from({ length: MEGABYTE }, (_, i) => 97 + ((i * i * 31 + i * 7919) % 26));
  const han = letters.map((code, i) => 0x4e00 + ((code * 7919 + i * 104_729) % 20_000));
  const HOSTILE: Readonly<Record<string, string>> = {
    'one letter': 'a'.repeat(MEGABYTE),
    'random letters': letters.map((code) => String.fromCharCode(code)).join(''),
    'random ideographs': han.map((code) => String.fromCharCode(code)).join(''),
    spaces: ' '.repeat(MEGABYTE),
    underscores: '_'.repeat(MEGABYTE),
    'lone surrogates': '\ud800'.repeat(MEGABYTE),
  };
  for (const [name, text] of Object.entries(HOSTILE)) {
    it(`is not held up by a megabyte of ${name}`, () => {
      const started = cpuTimeMs();
      counter.count('o200k_base', text);
      const took = cpuTimeMs() - started;
      assert.ok(took < 10_000, `${Math.round(took)} ms`);
    });
  }

  it('gives a batch its share of work, and the next one a new share', () => {
    let asked = 0;
    const bounded = createTokenCounter({
      o200k_base: (text) => (asked += text.length),
      cl100k_base: () => 0,
    });
    assert.equal(bounded.count('o200k_base', 'a'.repeat(MEGABYTE)), null);
    assert.ok(asked < 200_000, `${asked} characters`);
    assert.equal(bounded.count('o200k_base', 'a'.repeat(512)), null);
    bounded.begin();
    assert.notEqual(bounded.count('o200k_base', 'a'.repeat(512)), null);
  });
});
