import assert from 'node:assert/strict';
import {
  goDuration,
  pointIntervalMs,
  prometheusRequest,
} from '@spanmeter/dashboards/dist/expand/interval.js';
import { expandPostgresMacros } from '@spanmeter/dashboards/dist/expand/postgres-macros.js';

const RANGE = { fromMs: Date.parse('2026-11-20T10:00:00.500Z'), toMs: Date.parse('2026-11-21T10:00:00Z') };
const FROM = '2026-11-20T10:00:00.5Z';
const TO = '2026-11-21T10:00:00Z';
const expand = (sql: string): string => expandPostgresMacros(sql, RANGE, { text: '15m', ms: 900_000 });

describe("the macros of Grafana's PostgreSQL data source", () => {
  const cases: readonly (readonly [macro: string, sql: string])[] = [
    ['$__time(at)', 'at AS "time"'],
    ['$__timeEpoch(at)', 'extract(epoch from at) as "time"'],
    ['$__timeFilter(at)', `at BETWEEN '${FROM}' AND '${TO}'`],
    ['at >= $__timeFrom() AND at < $__timeTo()', `at >= '${FROM}' AND at < '${TO}'`],
    [`$__timeGroup(at, '15m')`, 'floor(extract(epoch from at)/900)*900'],
    ['$__timeGroup(at,$__interval)', 'floor(extract(epoch from at)/900)*900'],
    [`$__timeGroupAlias(at, '1h', 0)`, 'floor(extract(epoch from at)/3600)*3600 AS "time"'],
    ['$__unixEpochFilter(s)', 's >= 1795168800 AND s <= 1795255200'],
    ['$__unixEpochNanoFilter(n)', 'n >= 1795168800500000000 AND n <= 1795255200000000000'],
    ['$__unixEpochNanoFrom() $__unixEpochNanoTo()', '1795168800500000000 1795255200000000000'],
    [`$__unixEpochGroup(s, '5m')`, 'floor((s)/300)*300'],
    [`$__unixEpochGroupAlias(s, 5m)`, 'floor((s)/300)*300 AS "time"'],
    ['$__interval $__interval_ms ${__interval_ms}', '15m 900000 900000'],
  ];
  for (const [macro, sql] of cases) {
    it(`write ${macro} as Grafana does`, () => assert.equal(expand(macro), sql));
  }

  it('name a group "time" where a comma follows at once, as before version 5.3', () => {
    const group = 'floor(extract(epoch from at)/60)*60';
    assert.equal(expand(`SELECT $__timeGroup(at,'1m'), 1`), `SELECT ${group} AS "time", 1`);
    assert.equal(expand(`SELECT $__timeGroup(at,'1m') , 1`), `SELECT ${group} , 1`);
  });

  it('end their arguments at the first parenthesis, so that a function in them breaks the query', () => {
    assert.equal(expand('$__timeFilter(coalesce(a,b))'), `coalesce(a BETWEEN '${FROM}' AND '${TO}')`);
  });

  it('are a fault where nobody knows them or an argument is missing', () => {
    assert.throws(() => expand('$__timeRange(at)'), /unknown macro "__timeRange"/);
    assert.throws(() => expand('$__timeFilter()'), /missing time column argument/);
    assert.throws(() => expand('$__timeGroup(at)'), /needs time column and interval/);
    assert.throws(() => expand(`$__timeGroup(at,'often')`), /error parsing interval/);
  });
});

describe("the intervals of Grafana's Prometheus data source", () => {
  const day = { fromMs: 0, toMs: 86_400_000 };
  const place = { range: day, maxDataPoints: 1_000, scrapeInterval: '15s' };

  it('make a step that people read easily and never one under the scrape interval', () => {
    assert.equal(pointIntervalMs(day, 1_000, 15_000), 60_000);
    assert.equal(pointIntervalMs({ fromMs: 0, toMs: 300_000 }, 1_000, 15_000), 15_000);
    assert.equal(pointIntervalMs({ fromMs: 0, toMs: 30 * 86_400_000 }, 1_000, 15_000), 1_800_000);
  });

  it('make a rate interval of four scrapes at least, and of a step and a scrape where that is more', () => {
    const expr = (from: number): string =>
      prometheusRequest('rate(a[$__rate_interval])', {}, { ...place, range: { fromMs: 0, toMs: from } }).expr;
    assert.equal(expr(300_000), 'rate(a[1m0s])');
    assert.equal(expr(86_400_000), 'rate(a[1m15s])');
    assert.equal(goDuration(3_630_000), '1h0m30s');
  });

  it('put range, step and their milliseconds where a query asks for them', () => {
    const request = prometheusRequest(
      '$__range ${__range_s} $__range_ms $__interval $__interval_ms $__rate_interval_ms',
      {},
      place,
    );
    assert.equal(request.expr, '86400s 86400 86400000 1m 60000 75000');
  });

  it("take the query's own least step, and a multiple of a step where it asks for one", () => {
    const request = prometheusRequest('$__interval', { minStep: '5m', intervalFactor: 2 }, place);
    assert.deepEqual([request.expr, request.stepMs], ['10m', 600_000]);
    assert.equal(prometheusRequest('$__interval', { minStep: '$__interval' }, place).expr, '1m');
  });

  it('begin and end a range at multiples of the step', () => {
    const range = { fromMs: 61_000, toMs: 86_461_000 };
    const { startMs, endMs } = prometheusRequest('a', {}, { ...place, range });
    assert.deepEqual([startMs, endMs], [60_000, 86_460_000]);
  });
});
