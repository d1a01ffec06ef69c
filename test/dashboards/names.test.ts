import assert from 'node:assert/strict';
import {
  bucketsOf,
  columns,
  countOf,
  least,
  increase,
  matching,
  maxBy,
  metric,
  not,
  promql,
  quantile,
  rate,
  sql,
  sumBy,
} from '@spanmeter/dashboards';
import { OWN_METRIC_NAMES, TABLES } from '@spanmeter/processors';
import type { ColumnName } from '@spanmeter/processors';
import { freshDatabase, sql as query } from '../support/database.ts';

describe('names in queries', () => {
  it('do not compile where there is no such table, column or metric', () => {
    const r = columns('spend_rollup', 'r');
    // @ts-expect-error -- no such column
    const column: unknown = r.cost_eur;
    assert.equal(column, undefined);
    // @ts-expect-error -- no such table
    assert.throws(() => columns('spend', 's'));
    // @ts-expect-error -- no such metric
    assert.throws(() => metric('genai_cost_total'), /no metric is called genai_cost_total/);
    // @ts-expect-error -- a text that was written by hand is no column
    assert.match(sql`SELECT ${'cost_eur'}`, /cost_eur/);
    // @ts-expect-error -- a column of another table
    const other: ColumnName<'tenants'> = 'cost_usd';
    assert.ok(!(TABLES.tenants as readonly string[]).includes(other));
  });

  it('fail while a dashboard is built where a metric has no such label', () => {
    assert.throws(() => metric('genai_cost_usd_total', { service: 'x' }), /has no label service/);
    assert.throws(
      () => sumBy(['token_type'], rate(metric('genai_cost_usd_total'))),
      /has no label token_type/,
    );
    assert.throws(
      () => sumBy(['model'], sumBy(['tenant'], rate(metric('genai_calls_total')))),
      /has no label model/,
    );
    assert.throws(() => metric('genai_calls_total', { user: 'x' }), /no label for a dashboard/);
  });

  it('fail where a counter is read as a gauge or a gauge as a counter', () => {
    assert.throws(() => rate(metric('genai_spend_usd')), /which is a gauge/);
    assert.throws(() => increase(metric('genai_call_duration_seconds')), /which is a histogram/);
    assert.throws(() => least(metric('genai_calls_total'), '1h'), /which is a counter/);
    assert.throws(() => bucketsOf(metric('genai_calls_total')), /no histogram/);
  });

  it('make the PromQL that they say', () => {
    const calls = metric('genai_calls_total', { tenant: matching('${tenant:regex}'), outcome: not('error') });
    assert.equal(
      sumBy(['model'], rate(calls)).text,
      'sum by (model) (rate(genai_calls_total{tenant=~`${tenant:regex}`, outcome!="error"}[$__rate_interval]))',
    );
    assert.equal(
      quantile(0.95, ['model'], metric('genai_call_duration_seconds', { operation: 'chat' }), '5m').text,
      'histogram_quantile(0.95, sum by (le, model) (rate(genai_call_duration_seconds_bucket{operation="chat"}[5m])))',
    );
    assert.equal(
      countOf(metric('spanmeter_ledger_commit_seconds')).text,
      'spanmeter_ledger_commit_seconds_count',
    );
  });

  it('keep an expression whole within another', () => {
    const limit = maxBy(['tenant'], metric('genai_budget_limit_usd'));
    const both = promql`${limit} and ${limit}`;
    assert.equal(promql`${both} * 1000`.text, `(${limit.text} and ${limit.text}) * 1000`);
  });

  it('make SQL whose tables come from the catalogue alone', () => {
    const r = columns('spend_rollup', 'r');
    assert.equal(
      sql`SELECT ${r.cost_usd} FROM ${r.$from}`,
      'SELECT r.cost_usd FROM spanmeter.spend_rollup r',
    );
    assert.throws(() => sql`SELECT 1 FROM spanmeter.calls`, /named by columns/);
  });

  it('are the tables and columns of the migrated database, every one in its order', async () => {
    const database = await freshDatabase();
    try {
      const rows = await query<{ name: string; columns: string[] }>(
        database.url,
        `SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'spanmeter'::regnamespace AND c.relkind IN ('r', 'p', 'v')
           AND NOT c.relispartition AND c.relname <> 'migrations'
         GROUP BY 1 ORDER BY 1`,
      );
      const actual = Object.fromEntries(rows.map((row) => [row.name, row.columns]));
      assert.deepEqual(
        actual,
        JSON.parse(JSON.stringify(TABLES)),
        'bring processors/src/tables.ts up to date',
      );
    } finally {
      await database.drop();
    }
  });

  it('are not said twice of the two endpoints', () => {
    assert.equal(new Set(OWN_METRIC_NAMES).size, OWN_METRIC_NAMES.length);
    assert.ok(OWN_METRIC_NAMES.every((name) => !name.startsWith('genai_')));
  });
});
