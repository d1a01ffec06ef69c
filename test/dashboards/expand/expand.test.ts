import assert from 'node:assert/strict';
import { formatVariable, promDefault, sqlDefault } from '@spanmeter/dashboards/dist/expand/formats.js';
import { expandVariables, type ChosenVariable } from '@spanmeter/dashboards/dist/expand/template.js';
import { pointMs, timeRange } from '@spanmeter/dashboards/dist/expand/time-range.js';

const RANGE = { fromMs: Date.parse('2026-11-20T00:00:00Z'), toMs: Date.parse('2026-11-21T00:00:00Z') };
const HOSTILE = [`O'Brien`, 'say "hi"', '日本語', String.raw`back\slash`, 'a.*b|c$d{e}'];

function variables(...list: readonly Partial<ChosenVariable>[]): ReadonlyMap<string, ChosenVariable> {
  const base = { name: 'tenant', all: false, value: '', canBeMany: true };
  return new Map(list.map((one) => [one.name ?? 'tenant', { ...base, ...one }]));
}

describe("Grafana's variables", () => {
  it('are found as $name, ${name}, ${name:format} and [[name:format]], and only where there is such a variable', () => {
    const chosen = variables({ value: ['a', 'b'] });
    const text = '$tenant ${tenant} ${tenant:csv} [[tenant:pipe]] $tenants $__rate_interval ${other:csv} $1';
    const expected = '{a,b} {a,b} a,b a|b $tenants $__rate_interval ${other:csv} $1';
    assert.equal(expandVariables(text, chosen, RANGE), expected);
  });

  it('are quoted for SQL so that no value ends the literal', () => {
    const sql = expandVariables('tenant_id IN (${tenant:sqlstring})', variables({ value: HOSTILE }), RANGE);
    assert.equal(sql, String.raw`tenant_id IN ('O''Brien','say "hi"','日本語','back\slash','a.*b|c$d{e}')`);
    assert.equal(sqlDefault(HOSTILE, true), sql.slice('tenant_id IN ('.length, -1));
    assert.equal(sqlDefault(`O'Brien`, false), `O''Brien`);
    assert.equal(sqlDefault(`O'Brien`, true), `'O''Brien'`);
  });

  it('are regular expressions in PromQL that match exactly their values, once the string is unescaped', () => {
    const text = promDefault(HOSTILE, true);
    const pattern = new RegExp(`^(?:${JSON.parse(`"${text.replaceAll('"', '\\"')}"`) as string})$`);
    for (const value of HOSTILE) assert.match(value, pattern);
    assert.doesNotMatch('aXXb', pattern);
    assert.equal(promDefault(['gpt-4.1'], true), String.raw`gpt-4\\.1`);
  });

  it('with a format of their own are escaped once, for a raw string', () => {
    assert.equal(formatVariable('m', ['gpt-4.1', 'say "hi"'], 'regex'), String.raw`(gpt-4\.1|say "hi")`);
    assert.equal(formatVariable('m', ['gpt-4.1'], 'regex'), String.raw`gpt-4\.1`);
  });

  it('of All are every option, or the text that the board gives for All, untouched by formats', () => {
    const options = variables({ all: true, value: ['a', `b'c`] });
    assert.equal(expandVariables('${tenant:sqlstring}', options, RANGE), `'a','b''c'`);
    const own = variables({ all: true, allValue: '.*', value: ['a', 'b'] });
    assert.equal(expandVariables('$tenant ${tenant:sqlstring} ${tenant:text}', own, RANGE), '.* .* All');
  });

  it('put nothing into a text a second time', () => {
    const chosen = variables({ value: ['${tenant:csv}', '$__all'] });
    assert.equal(expandVariables('${tenant:csv}', chosen, RANGE), '${tenant:csv},$__all');
  });

  it('are written into addresses so that a link keeps them', () => {
    const chosen = variables({ value: [`a&b'c`, '日'] });
    const link = expandVariables('/d/x?${tenant:queryparam}', chosen, RANGE);
    assert.equal(link, '/d/x?var-tenant=a%26b%27c&var-tenant=%E6%97%A5');
    const all = variables({ all: true, value: ['a'] });
    assert.equal(expandVariables('${tenant:queryparam}', all, RANGE), 'var-tenant=$__all');
  });

  it('always include the range, in milliseconds, seconds and as an instant', () => {
    const text = '${__from} $__to ${__from:date:seconds} ${__to:date:iso} ${__from:date}';
    assert.equal(
      expandVariables(text, new Map(), RANGE),
      '1795132800000 1795219200000 1795132800 2026-11-21T00:00:00.000Z 2026-11-20T00:00:00.000Z',
    );
  });

  it('with a format that does not exist are a fault', () => {
    assert.throws(() => formatVariable('a', 'b', 'sql'), /no format is called sql/);
  });
});

describe("Grafana's time ranges", () => {
  const now = Date.parse('2026-11-21T15:30:20Z');
  const at = (text: string, end = false): string => new Date(pointMs(text, now, end)).toISOString();

  it('count back from now and round to the start of a unit, or to its end where they end', () => {
    assert.equal(at('now-24h'), '2026-11-20T15:30:20.000Z');
    assert.equal(at('now/d'), '2026-11-21T00:00:00.000Z');
    assert.equal(at('now/d', true), '2026-11-21T23:59:59.999Z');
    assert.equal(at('now-1d/d'), '2026-11-20T00:00:00.000Z');
    assert.equal(at('now/w'), '2026-11-16T00:00:00.000Z');
    assert.equal(at('now/M', true), '2026-11-30T23:59:59.999Z');
    assert.equal(at('now-1M/M'), '2026-10-01T00:00:00.000Z');
    assert.equal(at('2026-11-01T00:00:00Z'), '2026-11-01T00:00:00.000Z');
  });

  it('that cannot be read are a fault', () => {
    assert.throws(() => timeRange({ from: 'now-', to: 'now' }, now), /not a time: now-/);
    assert.throws(() => timeRange({ from: 'yesterday', to: 'now' }, now), /not a time/);
  });
});
