import assert from 'node:assert/strict';
import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';
import {
  ALL_VALUE,
  DASHBOARDS,
  definitionOf,
  eachAnnotationQuery,
  eachQuery,
  eachVariableQuery,
} from '@spanmeter/dashboards';
import type { DashboardQuery, KnownMetric } from '@spanmeter/dashboards';
import { METRIC_CATALOGUE } from '@spanmeter/processors';

const boards = DASHBOARDS.map((board) => board.build());
const all = boards.flatMap((board) => [
  ...eachQuery(board),
  ...eachVariableQuery(board),
  ...eachAnnotationQuery(board),
]);
const ofMetrics = all.filter(({ expr }) => expr !== null);
const ofLedger = all.filter(({ rawSql }) => rawSql !== null);

/** Gauges that every collector reads from the same database. */
const LEDGER_GAUGES = new Set<string>(
  METRIC_CATALOGUE.filter(
    ({ source, type }) => type === 'gauge' && ['store', 'budgets', 'keys'].includes(source),
  ).map(({ name }) => name),
);

function named(query: DashboardQuery): string {
  return `${query.dashboardUid} ${query.panelId} ${query.refId} ${query.panelTitle}`;
}

/** PromQL as Grafana sends it. */
function sent(expr: string, value: string): string {
  return expr
    .replace(/\$\{\w+:regex\}/g, value)
    .replaceAll('$__rate_interval', '4m')
    .replaceAll('$__range', '1h');
}

/** Every node of that name, with its text. */
function nodes(text: string, name: string): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  parser.parse(text).iterate({ enter: (node) => void (node.name === name && found.push(node.node)) });
  return found;
}

function ancestors(node: SyntaxNode): readonly SyntaxNode[] {
  const out: SyntaxNode[] = [];
  for (let at = node.parent; at !== null; at = at.parent) out.push(at);
  return out;
}

/** What holds for every series that PromQL reads, with the functions and aggregations around it, nearest first. */
function eachSeries(
  check: (metric: string, around: readonly string[], query: DashboardQuery) => string | false,
): void {
  const faults: string[] = [];
  for (const query of ofMetrics) {
    const text = sent(query.expr ?? '', '.*');
    for (const node of nodes(text, 'VectorSelector')) {
      const metric = text.slice(node.from, node.to).split('{')[0] ?? '';
      const around = ancestors(node)
        .filter(({ name }) => name === 'FunctionCall' || name === 'AggregateExpr')
        .map(({ from }) => /^\w+/.exec(text.slice(from))?.[0] ?? '');
      const fault = check(metric, around, query);
      if (fault !== false) faults.push(`${named(query)}: ${metric} ${fault}`);
    }
  }
  assert.deepEqual(faults, []);
}

function typeOf(metric: string): 'counter' | 'gauge' {
  const family = metric.replace(/_(bucket|sum|count)$/, '') as KnownMetric;
  if (family !== metric && isHistogram(family)) return 'counter';
  const { type } = definitionOf(metric as KnownMetric);
  assert.notEqual(type, 'histogram', `${metric} is read without _bucket, _sum or _count`);
  return type === 'counter' ? 'counter' : 'gauge';
}

function isHistogram(name: KnownMetric): boolean {
  try {
    return definitionOf(name).type === 'histogram';
  } catch {
    return false;
  }
}

describe('queries of dashboards', () => {
  it('are many of both kinds', () => {
    assert.ok(ofMetrics.length > 80 && ofLedger.length > 60);
  });

  it('are PromQL that parses, with all chosen, with some, and with a text of every awkward character', () => {
    const awkward = '(o\'neil|a"b\\.c|\\{x\\}|Ünïcode 東京|)';
    for (const query of ofMetrics) {
      for (const value of [ALL_VALUE, 'one', awkward]) {
        const text = sent(query.expr ?? '', value);
        assert.doesNotMatch(text, /\$/, named(query));
        const faults = nodes(text, '⚠').length;
        assert.equal(faults, 0, `${named(query)}: ${text}`);
      }
    }
  });

  it('see counters only through rate and increase, and gauges never', () => {
    eachSeries((metric, around) => {
      const rated = around.some((name) => name === 'rate' || name === 'increase');
      if (typeOf(metric) === 'gauge') return rated && 'is a gauge under rate';
      // A process' uptime is an age, and read as one.
      if (metric === 'otelcol_process_uptime') return false;
      return !rated && 'is a counter that is read as it stands';
    });
  });

  it('read rates over $__rate_interval, and over the whole range where there is one value or it ends with it', () => {
    for (const query of ofMetrics) {
      for (const [, window, pinned] of (query.expr ?? '').matchAll(/\[([^\]]+)\]( @ end\(\))?/g)) {
        const once = (query.instant ?? false) || pinned !== undefined;
        const fine = window === '$__rate_interval' || (window === '$__range' && once);
        const burn = /min_over_time\(/.test(query.expr ?? '') && /^\d+h$/.test(window ?? '');
        assert.ok(fine || burn, `${named(query)}: [${window}]`);
      }
    }
  });

  it('take one collector for what all of them read from the database', () => {
    eachSeries((metric, around) => {
      const nearest = around.find((name) => ['sum', 'max', 'min', 'avg', 'count'].includes(name));
      // What a gauge that only rises was at first is the least of them.
      const wanted = around.includes('min_over_time') ? 'min' : 'max';
      return (
        LEDGER_GAUGES.has(metric) &&
        nearest !== wanted &&
        `is read by ${nearest ?? 'itself'}, not by ${wanted}`
      );
    });
  });

  it('ask Prometheus about no user, session or trace', () => {
    for (const query of ofMetrics) {
      assert.doesNotMatch(
        query.expr ?? '',
        /\b(user|user_id|session|session_id|trace_id|conversation_id)\b/,
        named(query),
      );
    }
  });

  it('bound time by a start that is in and an end that is out, never by BETWEEN', () => {
    for (const query of ofLedger) {
      assert.doesNotMatch(
        query.rawSql ?? '',
        /\$__(timeFilter|timeGroup|unixEpoch)|\bBETWEEN\b/i,
        named(query),
      );
    }
  });

  it('pass no argument to a macro, whose grammar ends at the first bracket', () => {
    for (const query of ofLedger) assert.doesNotMatch(query.rawSql ?? '', /\$__\w+\([^)]/, named(query));
  });

  it('narrow rollups and calls to the range or to now, and to the chosen tenants', () => {
    for (const query of ofLedger) {
      const text = query.rawSql ?? '';
      if (!/spanmeter\.(spend_rollup|calls_effective)/.test(text)) continue;
      assert.match(text, /(bucket_start|started_at) >= /, named(query));
      if (query.panelId > 0) assert.match(text, /\$\{tenant:sqlstring\}/, named(query));
    }
  });

  it("read single calls of the range's last hours alone, and never the table without its corrections", () => {
    const ofCalls = ofLedger.filter(({ rawSql }) => /spanmeter\.calls/.test(rawSql ?? ''));
    assert.ok(ofCalls.length >= 5);
    for (const query of ofCalls) {
      assert.doesNotMatch(query.rawSql ?? '', /spanmeter\.calls /, named(query));
      assert.match(query.rawSql ?? '', /interval '(1 hour|[1-3] hours)'/, named(query));
    }
  });

  it('end after a known number of rows, unless time or one row ends them', () => {
    for (const query of ofLedger) {
      const text = query.rawSql ?? '';
      const one = !/GROUP BY/.test(text.slice(text.lastIndexOf('FROM')));
      const byTime = query.format === 'time_series' || /AS (day|weekday)\b/.test(text);
      assert.ok(/LIMIT \d+\s*$/.test(text) || byTime || one, named(query));
    }
  });

  it('count neither copies nor spans that nobody bills, unless they are about them', () => {
    for (const query of ofLedger.filter(({ panelId }) => panelId > 0)) {
      const text = query.rawSql ?? '';
      if (!/spanmeter\.(spend_rollup|calls_effective)/.test(text)) continue;
      assert.ok(/'duplicate'/.test(text) || query.dashboardUid === 'spanmeter-data-quality', named(query));
    }
  });

  it('write tables of PostgreSQL with their columns named, never *', () => {
    for (const query of ofLedger)
      assert.doesNotMatch(query.rawSql ?? '', /SELECT \*|\w\.\*(?!\|)/, named(query));
  });
});
