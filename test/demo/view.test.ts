import assert from 'node:assert/strict';
import type { SpendGroup } from '@spanmeter/collector/dist/demo/spend-client.js';
import { renderFrame, renderLine, type Frame } from '@spanmeter/collector/dist/demo/view.js';
import { clock, count, sparkline, usd } from '@spanmeter/collector/dist/demo/view-text.js';

function group(name: string, costUsd: string, unpricedCalls = 0): SpendGroup {
  return { name, costUsd, calls: 12, errors: 1, unpricedCalls, inputTokens: 123_456, outputTokens: 7 };
}

function frame(colour: boolean): Frame {
  const long = group('a-tenant-with-a-name-that-never-seems-to-end/team', '123456789.123456789012');
  const reading = {
    total: group('', '1234.567800000000', 3),
    tenants: [group('acme', '0.300000000000'), long],
    teams: Array.from({ length: 20 }, (_, index) => group(`acme/team-${index}`, '0.000000000001')),
    models: [group('house-model', '0', 12)],
    services: [group('support-bot', '0.300000000000')],
    meanLatencyMs: 412.4,
  };
  const before = { ...reading, tenants: [group('acme', '0.250000000000')] };
  const pointers = [{ label: 'API', address: 'http://127.0.0.1:8080/api/v1/spend' }];
  return { reading, before, upSeconds: 3727, pulse: [0, 1, 2, 4], pointers, colour };
}

describe('the live view', () => {
  it('fits 80 columns and aligns money at the right', () => {
    const lines = renderFrame(frame(false));
    for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`);
    const acme = lines.find((line) => line.includes('acme  '));
    const long = lines.find((line) => line.includes('a-tenant'));
    assert.ok(acme !== undefined && long !== undefined);
    assert.equal(acme.indexOf('$0.3000▴'), 32);
    assert.equal(long.indexOf('$123,456,789') + 12, 39);
    assert.ok(lines.length <= 24, `${lines.length} lines with ${frame(false).reading.teams.length} teams`);
    assert.ok(lines.some((line) => line.includes('and 12 more')));
  });

  it('says "no price" and never $0 for a model whose cost is unknown', () => {
    const line = renderFrame(frame(false)).find((each) => each.includes('house-model'));
    assert.ok(line?.includes('no price'));
    assert.ok(!line?.split('house-model')[1]?.includes('$'));
  });

  it('colours only when asked, and the text stays the same', () => {
    const plain = renderFrame(frame(false)).join('\n');
    const coloured = renderFrame(frame(true)).join('\n');
    assert.ok(!plain.includes('\u001B'));
    assert.notEqual(coloured, plain);
    // eslint-disable-next-line no-control-regex
    const bare = coloured.replaceAll(/\u001B\[\d+m/g, '').split('\n');
    assert.deepEqual(
      bare.map((line) => line.trimEnd()),
      plain.split('\n'),
    );
  });

  it('puts everything that matters into one line for a log', () => {
    const line = renderLine(frame(false));
    assert.ok(line.startsWith('1:02:07  $1,234.5678  12 calls, 1 errors, 3 without a price'), line);
  });

  it('rounds exact amounts without a float', () => {
    assert.equal(usd('0.300000000000'), '$0.3000');
    assert.equal(usd('0.000049999999'), '$0.0000');
    assert.equal(usd('0.000050000000'), '$0.0001');
    assert.equal(usd('99999999999999999999.99995'), '$100,000,000,000,000,000,000.0000');
    assert.equal(usd('-1.5', 2), '-$1.50');
    assert.equal(usd('7'), '$7.0000');
    assert.equal(usd('1999.5', 0), '$2,000');
  });

  it('shortens counts, clocks and curves', () => {
    assert.deepEqual([0, 9999, 12_345, 4_560_000, 7.2e9].map(count), [
      '0',
      '9999',
      '12.3k',
      '4.56M',
      '7.20G',
    ]);
    assert.deepEqual([7, 247, 3750].map(clock), ['0:07', '4:07', '1:02:30']);
    assert.equal(sparkline([0, 1, 2]), '▁▅█');
    assert.equal(sparkline([0, 0]), '▁▁');
  });
});
