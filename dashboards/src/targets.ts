import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import type { Expression } from './promql.ts';
import type { Sql } from './sql.ts';

/** The data sources as variables, so that a dashboard works with whatever a team calls its own. */
export const POSTGRES = { type: 'grafana-postgresql-datasource', uid: '${ds_pg}' };
export const PROMETHEUS = { type: 'prometheus', uid: '${ds_prom}' };

/** A query of a panel, before it has a letter. */
export interface Target {
  readonly source: 'postgres' | 'prometheus';
  /** Whether it has a value at each step of the range. */
  readonly overTime: boolean;
  build(refId: string): Builder<Dataquery>;
}

/** Answers of PostgreSQL: rows, or series from the columns `time`, `metric` and `value`. */
export function fromSql(rawSql: Sql, format: 'table' | 'time_series' = 'table'): Target {
  const build = (refId: string): Builder<Dataquery> => ({
    build: () =>
      ({
        refId,
        datasource: POSTGRES,
        format,
        rawQuery: true,
        editorMode: 'code',
        rawSql,
      }) as unknown as Dataquery,
  });
  return { source: 'postgres', overTime: format === 'time_series', build };
}

interface Reading {
  /** Name of a series, with `{{label}}`. */
  readonly legend?: string;
  /** One row per series, at the range's end. */
  readonly table?: boolean;
  /** One value at the range's end. */
  readonly instant?: boolean;
  readonly heatmap?: boolean;
  readonly exemplars?: boolean;
}

/** Answers of Prometheus. */
export function fromMetrics(expression: Expression, reading: Reading = {}): Target {
  const { legend, table = false, instant = table, heatmap = false, exemplars = false } = reading;
  const format = heatmap
    ? PromQueryFormat.Heatmap
    : table
      ? PromQueryFormat.Table
      : PromQueryFormat.TimeSeries;
  const build = (refId: string): DataqueryBuilder => {
    const query = new DataqueryBuilder()
      .refId(refId)
      .datasource(PROMETHEUS)
      .expr(expression.text)
      .format(format);
    query.exemplar(exemplars).legendFormat(legend ?? '__auto');
    return instant ? query.instant() : query.range();
  };
  return { source: 'prometheus', overTime: !instant, build };
}
