import assert from 'node:assert/strict';
import * as unitNames from '@grafana/grafana-foundation-sdk/units';
import { VariableHide, VariableRefresh, VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  DASHBOARDS,
  eachAnnotationQuery,
  eachPanel,
  eachQuery,
  eachVariableQuery,
  UIDS,
} from '@spanmeter/dashboards';

const boards = DASHBOARDS.map((board) => board.build());
const UNITS: ReadonlySet<unknown> = new Set(Object.values(unitNames));

/** Calls `check` for every panel and reports every fault at once. */
function everyPanel(check: (panel: Panel, board: Dashboard) => string | false | undefined): void {
  const faults: string[] = [];
  for (const board of boards) {
    for (const panel of eachPanel(board)) {
      const fault = check(panel, board);
      if (typeof fault === 'string') faults.push(`${board.uid} ${panel.id} ${panel.title}: ${fault}`);
    }
  }
  assert.deepEqual(faults, []);
}

interface Override {
  readonly properties: readonly { readonly id: string; readonly value?: unknown }[];
}

function overridesOf(panel: Panel): readonly Override[] {
  return panel.fieldConfig?.overrides ?? [];
}

function linksOf(board: Dashboard): readonly string[] {
  const cells = eachPanel(board)
    .flatMap(overridesOf)
    .flatMap(({ properties }) => properties);
  return cells
    .filter(({ id }) => id === 'links')
    .flatMap(({ value }) => (value as readonly { readonly url: string }[]).map(({ url }) => url));
}

describe('dashboards', () => {
  it('are the seven that are promised, each with its own uid', () => {
    assert.deepEqual(new Set(boards.map((board) => board.uid)), new Set<unknown>(Object.values(UIDS)));
    assert.equal(new Set(boards.map((board) => board.title)).size, 7);
  });

  it('are classic, cannot be edited in place, refresh, show the reader their own clock and carry the tag', () => {
    for (const board of boards) {
      assert.equal(board.schemaVersion, 42);
      assert.equal(board.editable, false);
      assert.equal(board.refresh, '1m');
      assert.equal(board.timezone, 'browser');
      assert.ok(board.tags?.includes('spanmeter'));
      assert.ok((board.description ?? '').length > 20);
    }
  });

  it('number panels and rows from 1, and no number twice', () => {
    for (const board of boards) {
      const ids = (board.panels ?? []).map((panel) => panel.id ?? 0);
      assert.equal(new Set(ids).size, ids.length, board.uid);
      assert.ok(ids.every((id) => id > 0));
    }
  });

  it('keep the numbers by which alerts and links name panels', () => {
    const pinned = [
      ['spanmeter-budgets', 2, 'Budgets as they stand'],
      ['spanmeter-budgets', 4, 'Burn rate'],
      ['spanmeter-data-quality', 4, 'Models without a price'],
      ['spanmeter-collector', 1, 'Up'],
      ['spanmeter-models', 7, 'Failed calls by provider'],
    ] as const;
    for (const [uid, id, title] of pinned) {
      const board = boards.find((one) => one.uid === uid)!;
      assert.equal(eachPanel(board).find((panel) => panel.id === id)?.title, title);
    }
  });

  it('lay no panel over another nor over the edge', () => {
    for (const board of boards) {
      const taken = new Map<string, string>();
      for (const panel of board.panels ?? []) {
        const { x, y, w, h } = panel.gridPos!;
        assert.ok(x >= 0 && x + w <= 24, `${board.uid} ${panel.title}`);
        for (let column = x; column < x + w; column++) {
          for (let row = y; row < y + h; row++) {
            const cell = `${column}/${row}`;
            assert.equal(
              taken.get(cell),
              undefined,
              `${board.uid}: ${panel.title} lies on ${taken.get(cell)}`,
            );
            taken.set(cell, panel.title ?? '');
          }
        }
      }
    }
  });

  it('give every panel a title, a description with its source and what empty means, and a text instead of "No data"', () => {
    everyPanel((panel) => {
      const { title = '', description = '', fieldConfig } = panel;
      if (title === '') return 'has no title';
      if (!/Source: (ledger|metrics) \((PostgreSQL|Prometheus)\)/.test(description)) return 'names no source';
      if (!/Time: /.test(description)) return 'says not by which time';
      if (!/\n\nEmpty: \S[^]*\.$/.test(description)) return 'says not what empty means';
      const { noValue } = fieldConfig!.defaults;
      return (
        (noValue === undefined || noValue === '' || /\bno data\b/i.test(noValue)) && 'shows a bare "No data"'
      );
    });
  });

  it('give every panel and column a unit that Grafana knows', () => {
    everyPanel((panel) => {
      if (!UNITS.has(panel.fieldConfig?.defaults.unit)) return `unit ${panel.fieldConfig?.defaults.unit}`;
      const own = overridesOf(panel).flatMap(({ properties }) =>
        properties.filter(({ id }) => id === 'unit'),
      );
      const wrong = own.find(({ value }) => !UNITS.has(value));
      return wrong !== undefined && `unit ${String(wrong.value)}`;
    });
  });

  it('ask the data sources that the variables name, in panels, queries, variables and annotations', () => {
    const uids = { prometheus: '${ds_prom}', 'grafana-postgresql-datasource': '${ds_pg}' } as Record<
      string,
      string
    >;
    everyPanel((panel) => {
      const sources = [
        panel.datasource,
        ...(panel.targets ?? []).map((t) => (t as { datasource?: object }).datasource),
      ];
      const templated = sources.every((one) => {
        const { type = '', uid } = one as { type?: string; uid?: string };
        return uid !== undefined && uids[type] === uid;
      });
      return !templated && 'has a fixed data source';
    });
    for (const board of boards) {
      for (const variable of board.templating.list ?? []) {
        if (variable.type === VariableType.Query) assert.equal(variable.datasource?.uid, '${ds_pg}');
      }
      for (const { target, datasource } of board.annotations.list ?? []) {
        if (target !== undefined) assert.equal(datasource?.uid, '${ds_pg}');
      }
    }
  });

  it('ask something in every panel, each query under a letter of its own', () => {
    everyPanel((panel) => {
      const letters = (panel.targets ?? []).map((target) => (target as { refId?: string }).refId);
      if (letters.length === 0) return 'has no query';
      return new Set(letters).size !== letters.length && 'has two queries of one letter';
    });
  });

  it('show the legend of every curve', () => {
    everyPanel((panel) => {
      const { legend } = panel.options as { legend?: { showLegend?: boolean } };
      return panel.type === 'timeseries' && legend?.showLegend !== true && 'hides its legend';
    });
  });

  it('have the same variables everywhere, so that links carry every choice on', () => {
    const names = [
      'ds_pg',
      'ds_prom',
      'tenant',
      'environment',
      'team',
      'provider',
      'model',
      'trace_url',
      'api_url',
    ];
    for (const board of boards)
      assert.deepEqual(
        (board.templating.list ?? []).map(({ name }) => name),
        names,
      );
  });

  it('use every filter that they show, and show every filter that they use', () => {
    for (const board of boards) {
      const used = new Set(eachQuery(board).flatMap((query) => query.variables));
      for (const variable of board.templating.list ?? []) {
        if (variable.type !== VariableType.Query) continue;
        assert.equal(
          variable.hide !== VariableHide.HideVariable,
          used.has(variable.name),
          `${board.uid} ${variable.name}`,
        );
      }
    }
  });

  it('find choices anew with the time range, all of them in one pattern, and never more than 1,000', () => {
    for (const board of boards) {
      for (const variable of board.templating.list ?? []) {
        if (variable.type !== VariableType.Query) continue;
        assert.equal(variable.refresh, VariableRefresh.OnTimeRangeChanged);
        assert.equal(variable.multi, true);
        assert.equal(variable.includeAll, true);
        assert.equal(variable.allValue, "'__all__'/*|.*|.*/");
      }
      for (const query of eachVariableQuery(board)) {
        assert.match(query.rawSql ?? '', /LIMIT 1000$/);
        assert.doesNotMatch(query.rawSql ?? '', /spanmeter\.calls/);
      }
    }
  });

  it('name only variables that they have', () => {
    for (const board of boards) {
      const known = new Set((board.templating.list ?? []).map(({ name }) => name));
      const queries = [...eachQuery(board), ...eachVariableQuery(board), ...eachAnnotationQuery(board)];
      const named = queries.flatMap((query) => query.variables);
      assert.deepEqual(
        named.filter((name) => !known.has(name)),
        [],
      );
    }
  });

  it('lead to dashboards that there are, with the time and every choice', () => {
    const uids = new Set(boards.map((board) => board.uid));
    for (const board of boards) {
      const [menu] = board.links ?? [];
      assert.ok(menu?.keepTime === true && menu.includeVars && menu.tags.includes('spanmeter'));
      for (const url of linksOf(board)) {
        const [, uid] = /^\/d\/([^?]+)\?/.exec(url) ?? [];
        if (uid === undefined) {
          assert.match(url, /^\$\{(trace_url|api_url):raw\}/);
          continue;
        }
        assert.ok(uids.has(uid), url);
        assert.match(url, /\$\{__url_time_range\}/);
        const carried = ['tenant', 'environment', 'team', 'provider', 'model', 'ds_pg', 'ds_prom'];
        for (const name of carried)
          assert.ok(url.includes(`\${${name}:queryparam}`) || url.includes(`var-${name}=`), url);
      }
    }
  });

  it('blame no missing scrape for emptiness where all that is read begins with a fault', () => {
    const faults = /_(refused|retries|dead_letters|damaged|gap_records|dropped)_\w+/;
    let seen = 0;
    everyPanel((panel, board) => {
      const asked = eachQuery(board).filter(({ panelId }) => panelId === panel.id);
      if (asked.length === 0 || !asked.every(({ expr }) => faults.test(expr ?? ''))) return false;
      seen++;
      const text = panel.fieldConfig?.defaults.noValue ?? '';
      return !/, or Prometheus does not scrape/.test(text) && `says "${text}" where nothing went wrong`;
    });
    assert.ok(seen >= 2);
  });

  it('open traces from cells and from the points of latency', () => {
    const traces = boards.flatMap(linksOf).filter((url) => url.startsWith('${trace_url:raw}${__value.raw'));
    assert.ok(traces.length >= 3);
    const models = boards.find((board) => board.uid === 'spanmeter-models')!;
    const curves = eachQuery(models).filter(
      ({ expr, instant }) => /_seconds_bucket/.test(expr ?? '') && !instant,
    );
    const panels = new Set(curves.filter(({ format }) => format !== 'heatmap').map(({ panelId }) => panelId));
    const pointed = new Set(curves.filter(({ exemplar }) => exemplar).map(({ panelId }) => panelId));
    const tiles = eachPanel(models)
      .filter((panel) => panel.type === 'stat')
      .map((panel) => panel.id);
    assert.deepEqual(pointed, new Set([...panels].filter((id) => !tiles.includes(id))));
  });
});
