import { VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';

/** Which of the two data sources answers. */
export type Source = 'prometheus' | 'postgres';

/** One query that Grafana runs for a dashboard. */
export interface DashboardQuery {
  readonly dashboardUid: string;
  /** 0 for the query of a variable or an annotation. */
  readonly panelId: number;
  /** The panel's title; `variable <name>` or `annotation <name>` for the others. */
  readonly panelTitle: string;
  readonly refId: string;
  readonly datasource: Source;
  /** PromQL, where Prometheus answers. */
  readonly expr: string | null;
  /** SQL with Grafana's macros and variables, where PostgreSQL answers. */
  readonly rawSql: string | null;
  readonly format: 'time_series' | 'table' | 'heatmap';
  /** Whether PromQL is evaluated once, at the range's end. */
  readonly instant: boolean;
  readonly exemplar: boolean;
  /** Least step of the panel, such as `15m`; null where it sets none. */
  readonly minInterval: string | null;
  /** Variables that the query names, without Grafana's own (`__…`). */
  readonly variables: readonly string[];
}

interface Target {
  readonly refId?: string;
  readonly datasource?: { readonly uid?: string };
  readonly expr?: string;
  readonly rawSql?: string;
  readonly format?: string;
  readonly instant?: boolean;
  readonly exemplar?: boolean;
}

/** Variables that a text names as `$name`, `${name}` or `${name:format}`, in order, without Grafana's own. */
export function variablesIn(text: string): readonly string[] {
  const found = [...text.matchAll(/\$(?:\{(\w+)(?::[^}]*)?\}|(\w+))/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  return [...new Set(found.filter((name) => name !== '' && !name.startsWith('__')))];
}

function isRow(panel: Panel | RowPanel): panel is RowPanel {
  return panel.type === 'row';
}

/** The panels of a dashboard in order, those of collapsed rows included, without the rows. */
export function eachPanel(dashboard: Dashboard): readonly Panel[] {
  return (dashboard.panels ?? []).flatMap((panel) => (isRow(panel) ? panel.panels : [panel]));
}

function queryOf(
  target: Target,
  of: Pick<DashboardQuery, 'dashboardUid' | 'panelId' | 'panelTitle'>,
): DashboardQuery {
  const { expr = null, rawSql = null } = target;
  return {
    ...of,
    refId: target.refId ?? 'A',
    datasource: rawSql === null ? 'prometheus' : 'postgres',
    expr,
    rawSql,
    format: (target.format ?? 'time_series') as DashboardQuery['format'],
    instant: target.instant === true,
    exemplar: target.exemplar === true,
    minInterval: null,
    variables: variablesIn(`${expr ?? ''}${rawSql ?? ''}`),
  };
}

/** Every query of the panels, in the panels' order. */
export function eachQuery(dashboard: Dashboard): readonly DashboardQuery[] {
  return eachPanel(dashboard).flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({
      ...queryOf(target as unknown as Target, {
        dashboardUid: dashboard.uid ?? '',
        panelId: panel.id ?? 0,
        panelTitle: panel.title ?? '',
      }),
      minInterval: panel.interval ?? null,
    })),
  );
}

/** Every query by which the choices of a variable are found. */
export function eachVariableQuery(dashboard: Dashboard): readonly DashboardQuery[] {
  return (dashboard.templating.list ?? [])
    .filter((variable) => variable.type === VariableType.Query)
    .map((variable) =>
      queryOf(
        { rawSql: typeof variable.query === 'string' ? variable.query : '', format: 'table' },
        { dashboardUid: dashboard.uid ?? '', panelId: 0, panelTitle: `variable ${variable.name}` },
      ),
    );
}

/** Every query of an annotation. */
export function eachAnnotationQuery(dashboard: Dashboard): readonly DashboardQuery[] {
  return (dashboard.annotations.list ?? [])
    .filter((annotation) => annotation.target !== undefined)
    .map((annotation) =>
      queryOf(annotation.target as unknown as Target, {
        dashboardUid: dashboard.uid ?? '',
        panelId: 0,
        panelTitle: `annotation ${annotation.name}`,
      }),
    );
}
