import assert from 'node:assert/strict';
import { formatPico, formatRational, parseDecimal, parsePico } from '@spanmeter/processors';

describe('exact money', () => {
  it('writes pico-USD with twelve decimals, below one USD and below zero too', () => {
    assert.equal(formatPico(7_500_000_000n), '0.007500000000');
    assert.equal(formatPico(0n), '0.000000000000');
    assert.equal(formatPico(1n), '0.000000000001');
    assert.equal(formatPico(-1_500_000_000_000n), '-1.500000000000');
    assert.equal(formatPico(2_500_000n * 10n ** 12n), '2500000.000000000000');
  });

  it('reads decimals with fractions and exponents exactly', () => {
    for (const [text, pico] of [
      ['0.0075', 7_500_000_000n],
      ['2.85e-06', 2_850_000n],
      ['1E3', 1000n * 10n ** 12n],
      ['.5', 500_000_000_000n],
      ['5.', 5n * 10n ** 12n],
      ['-0.1', -100_000_000_000n],
    ] as const) {
      assert.equal(parsePico(text), pico, text);
    }
  });

  it('rounds a half to the even neighbour', () => {
    assert.equal(parsePico('0.0000000000005'), 0n);
    assert.equal(parsePico('0.0000000000015'), 2n);
    assert.equal(parsePico('0.0000000000025'), 2n);
    assert.equal(parsePico('0.00000000000250000001'), 3n);
    assert.equal(parsePico('-0.0000000000015'), -2n);
  });

  it('refuses what is no decimal, and exponents that would make a huge number', () => {
    for (const text of ['', '.', 'NaN', 'Infinity', '0x10', '1,5', ' 1', '1e', '1e9999', '--1', '1e401']) {
      assert.equal(parseDecimal(text), null, JSON.stringify(text));
    }
    assert.equal(parseDecimal('9'.repeat(401)), null);
  });

  it('writes back what it reads', () => {
    for (const text of ['0', '12', '0.5', '0.000000000000000001', '123456789012345678901234567890.5']) {
      const value = parseDecimal(text);
      assert.ok(value !== null);
      assert.equal(formatRational(value), text);
    }
  });
});
