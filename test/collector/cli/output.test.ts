import assert from 'node:assert/strict';
import {
  amount,
  displayWidth,
  exactDecimals,
  grouped,
  printable,
  table,
} from '@spanmeter/collector/dist/cli/output.js';

const COLUMNS = [
  { title: 'Name', align: 'left' },
  { title: 'Count', align: 'right' },
] as const;

describe('terminal output', () => {
  it('shows every digit of every amount, aligned', () => {
    assert.equal(exactDecimals(['0.001350000000', '12.500000000000']), 5);
    assert.equal(exactDecimals(['1.000000000000']), 2);
    assert.equal(amount('1234567.500000000000', 2), '1,234,567.50');
    assert.equal(amount('0.000000000001', 12), '0.000000000001');
    assert.equal(amount('-1234.5', 2), '-1,234.50');
    assert.equal(grouped('999'), '999');
    assert.equal(grouped('1000'), '1,000');
  });

  it('cuts text to the terminal but never a number', () => {
    const rows = [
      ['x'.repeat(200), '1,000,000'],
      ['short', '1'],
    ];
    const lines = table(COLUMNS, rows, { columns: 40, colours: false }).trimEnd().split('\n');
    assert.ok(lines.every((line) => displayWidth(line) <= 40));
    assert.ok(lines[2]?.endsWith('…  1,000,000'));
    assert.ok(lines[3]?.endsWith('  1'));
  });

  it('aligns wide characters by the columns they take', () => {
    const lines = table(
      COLUMNS,
      [
        ['日本', '1'],
        ['ab', '22'],
      ],
      { columns: 80, colours: false },
    ).split('\n');
    assert.equal(displayWidth(lines[2] ?? ''), displayWidth(lines[3] ?? ''));
  });

  it('colours only when told to', () => {
    const rows = [['a', '1']];
    assert.equal(table(COLUMNS, rows, { columns: 80, colours: false }).includes('\u001B'), false);
    assert.equal(table(COLUMNS, rows, { columns: 80, colours: true }).includes('\u001B[1m'), true);
  });

  it('replaces controls, direction marks and lone surrogates', () => {
    assert.equal(printable('a\u0007b\u202Ec\uD800d\n'), 'a?b?c?d?');
  });
});
