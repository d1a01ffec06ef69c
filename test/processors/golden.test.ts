import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createPricer, parseDecimal, parsePico } from '@spanmeter/processors';

interface GoldenCase {
  readonly id: string;
  readonly status: string;
  readonly expectedUsd: string | null;
}

const file = new URL('../../fixtures/prices.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly GoldenCase[];

describe('the golden prices', () => {
  const price = createPricer();

  it('are all here', () => {
    assert.equal(cases.length, 112);
  });

  for (const each of cases) {
    it(`agree on ${each.id}: ${each.status} ${each.expectedUsd ?? ''}`, () => {
      const answer = price(each);
      assert.equal(answer.status, each.status, answer.reason);
      assert.equal(answer.costUsd, each.expectedUsd);
      if (answer.status !== 'priced') return;
      // The lines explain the amount: they add up to it before the one rounding.
      let numerator = 0n;
      const scale = 10n ** 30n;
      for (const line of answer.lines) {
        const amount = parseDecimal(line.amount);
        assert.ok(amount !== null);
        numerator += (amount.numerator * scale) / amount.denominator;
      }
      const sum = `${numerator}e-30`;
      assert.equal(parsePico(sum), parsePico(each.expectedUsd ?? ''));
      assert.match(answer.priceVersion ?? '', /^[0-9a-f]{64}$/);
    });
  }

  it('answer a line that cannot be asked with the reason, and never throw', () => {
    for (const line of [null, 7, [], { id: 'x' }, { id: 'x', usage: 3, at: '2026-01-01T00:00:00Z' }]) {
      const answer = price(line);
      assert.equal(answer.costUsd, null);
      assert.notEqual(answer.reason, undefined);
    }
    const odd = price({
      id: 'odd',
      provider: 'openai',
      model: 'gpt-4o',
      at: '2026-01-01T00:00:00Z',
      usage: { input_tokens: 1, video_tokens: 4 },
    });
    assert.equal(odd.status, 'invalid_usage');
    assert.match(odd.reason ?? '', /video_tokens/);
  });
});
