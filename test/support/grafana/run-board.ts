import { performance } from 'node:perf_hooks';
import { panelsOf } from '@spanmeter/dashboards/dist/expand/board-json.js';
import type {
  BoardJson,
  PanelJson,
  TargetJson,
  VariableJson,
} from '@spanmeter/dashboards/dist/expand/board-json.js';
import { promDefault, sqlDefault } from '@spanmeter/dashboards/dist/expand/formats.js';
import {
  formatInterval,
  pointIntervalMs,
  prometheusRequest,
} from '@spanmeter/dashboards/dist/expand/interval.js';
import { expandPostgresMacros } from '@spanmeter/dashboards/dist/expand/postgres-macros.js';
import { expandVariables, type ChosenVariable } from '@spanmeter/dashboards/dist/expand/template.js';
import { intervalMs, timeRange, type TimeRange } from '@spanmeter/dashboards/dist/expand/time-range.js';
import type { Frame } from '@spanmeter/dashboards/dist/preview/frame.js';
import type { PrometheusSource } from './prometheus-source.ts';
import type { SqlSource } from './sql-source.ts';
import { asTimeSeries } from './time-series.ts';
import { choose, optionsOf, type VariableOption } from './variable-options.ts';

/** Least interval of a PostgreSQL query where its data source says nothing. */
const SQL_INTERVAL = '1m';
const MAX_POINTS = 1_000;

export interface Sources {
  readonly sql: SqlSource;
  readonly prometheus: PrometheusSource;
  /** As the data source's `timeInterval`. */
  readonly scrapeInterval: string;
}

export interface Viewing {
  readonly nowMs: number;
  /** Instead of the board's own range. */
  readonly time?: { readonly from: string; readonly to: string };
  /** What is chosen in variables, by name; else what the board has chosen. */
  readonly chosen?: Readonly<Record<string, string | readonly string[]>>;
  /** Values of a repeated panel's variable. */
  readonly panels?: (panel: PanelJson) => boolean;
}

export interface VariableRun {
  readonly variable: VariableJson;
  readonly query: string | null;
  readonly options: readonly VariableOption[];
  readonly chosen: ChosenVariable;
}

export interface TargetRun {
  /** `uid/panelId/refId`. */
  readonly key: string;
  readonly panel: PanelJson;
  readonly target: TargetJson;
  readonly kind: 'sql' | 'prometheus';
  /** As it was sent. */
  readonly text: string;
  readonly frame: Frame | null;
  readonly error: string | null;
  readonly ms: number;
  readonly stepMs: number;
}

export interface BoardRun {
  readonly board: BoardJson;
  readonly range: TimeRange;
  readonly variables: readonly VariableRun[];
  readonly targets: readonly TargetRun[];
}

/** Fills a board's variables and runs every query of every panel as Grafana would. */
export async function runBoard(board: BoardJson, sources: Sources, viewing: Viewing): Promise<BoardRun> {
  const range = timeRange(viewing.time ?? board.time ?? { from: 'now-6h', to: 'now' }, viewing.nowMs);
  const variables: VariableRun[] = [];
  const chosen = new Map<string, ChosenVariable>();
  for (const variable of board.templating?.list ?? []) {
    const run = await runVariable(variable, chosen, range, sources, viewing);
    variables.push(run);
    chosen.set(variable.name, run.chosen);
  }
  const targets: TargetRun[] = [];
  for (const panel of panelsOf(board)) {
    if (viewing.panels?.(panel) === false) continue;
    for (const target of panel.targets ?? []) {
      targets.push(await runTarget(board, panel, target, chosen, range, sources));
    }
  }
  return { board, range, variables, targets };
}

async function runVariable(
  variable: VariableJson,
  before: ReadonlyMap<string, ChosenVariable>,
  range: TimeRange,
  sources: Sources,
  { chosen }: Viewing,
): Promise<VariableRun> {
  const { name, query: asked, type } = variable;
  const text = typeof asked === 'string' ? asked : ((asked as { query?: string } | undefined)?.query ?? '');
  let query: string | null = null;
  let found: readonly VariableOption[];
  if (type !== 'query') found = optionsOf(variable);
  else if (variable.datasource?.type === 'prometheus') {
    query = expandVariables(text, before, range, promDefault);
    const values = await sources.prometheus.variable(query, range.fromMs, range.toMs);
    found = optionsOf(
      variable,
      values.map((value) => ({ text: value, value })),
    );
  } else {
    query = expandPostgresMacros(expandVariables(text, before, range, sqlDefault), range, {
      text: SQL_INTERVAL,
      ms: intervalMs(SQL_INTERVAL),
    });
    found = optionsOf(variable, optionsOfFrame(await sources.sql.run(name, query)));
  }
  return { variable, query, options: found, chosen: choose(variable, found, chosen?.[name]) };
}

/** Columns `__text` and `__value` where there are such, else every value of every column. */
function optionsOfFrame({ fields }: Frame): readonly VariableOption[] {
  const texts = fields.find(({ name }) => name === '__text');
  const values = fields.find(({ name }) => name === '__value');
  if (texts !== undefined && values !== undefined) {
    return values.values.map((value, row) => ({ text: String(texts.values[row]), value: String(value) }));
  }
  const all = fields.flatMap((field) => field.values);
  return [...new Set(all.map(String))].map((value) => ({ text: value, value }));
}

async function runTarget(
  board: BoardJson,
  panel: PanelJson,
  target: TargetJson,
  chosen: ReadonlyMap<string, ChosenVariable>,
  range: TimeRange,
  sources: Sources,
): Promise<TargetRun> {
  const kind = target.expr === undefined ? 'sql' : 'prometheus';
  const key = `${board.uid}/${panel.id}/${target.refId}`;
  const began = performance.now();
  let text = target.expr ?? target.rawSql ?? '';
  let frame: Frame | null = null;
  let error: string | null = null;
  let stepMs = 0;
  try {
    if (kind === 'prometheus') {
      const place = {
        range,
        maxDataPoints: panel.maxDataPoints ?? MAX_POINTS,
        scrapeInterval: sources.scrapeInterval,
        panelInterval: panel.interval,
      };
      const { interval: minStep, intervalFactor } = target;
      const expr = expandVariables(text, chosen, range, promDefault);
      const request = prometheusRequest(expr, { minStep, intervalFactor }, place);
      ({ expr: text, stepMs } = request);
      frame = await sources.prometheus.run({
        refId: target.refId,
        request,
        instant: target.instant === true && target.range !== true,
        format: target.format ?? 'time_series',
        legendFormat: target.legendFormat,
        toMs: range.toMs,
        alone: (panel.targets ?? []).length === 1,
      });
    } else {
      const points = panel.maxDataPoints ?? MAX_POINTS;
      stepMs = pointIntervalMs(range, points, intervalMs(panel.interval ?? SQL_INTERVAL));
      text = expandVariables(text, chosen, range, sqlDefault);
      text = expandPostgresMacros(text, range, { text: formatInterval(stepMs), ms: stepMs });
      frame = await sources.sql.run(target.refId, text);
      if (target.format === 'time_series') frame = asTimeSeries(frame);
    }
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  return { key, panel, target, kind, text, frame, error, ms: performance.now() - began, stepMs };
}
