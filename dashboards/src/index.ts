import type { Board } from './board.ts';
import { BUDGETS } from './boards/budgets.ts';
import { CACHE } from './boards/cache.ts';
import { COLLECTOR } from './boards/collector.ts';
import { DATA_QUALITY } from './boards/data-quality.ts';
import { MODELS } from './boards/models.ts';
import { OVERVIEW } from './boards/overview.ts';
import { TENANT } from './boards/tenant.ts';

/** Stable uids of the data sources. */
export const DATASOURCES = { prometheus: 'spanmeter-prometheus', postgres: 'spanmeter-postgres' } as const;

/** Every dashboard, in the order of the documentation. */
export const DASHBOARDS: readonly Board[] = [
  OVERVIEW,
  TENANT,
  MODELS,
  CACHE,
  BUDGETS,
  DATA_QUALITY,
  COLLECTOR,
];

export type { Board, BoardSpec, RowSpec } from './board.ts';
export { TAG } from './board.ts';
export { describePanel } from './description.ts';
export type { PanelText } from './description.ts';
export { ALL_VALUE, BUCKET_MS, filtered, FILTERS, NONE } from './filters.ts';
export type { Filter } from './filters.ts';
export { UIDS } from './links.ts';
export type { BoardName } from './links.ts';
export {
  aggregate,
  bucketsOf,
  countOf,
  definitionOf,
  delta,
  increase,
  KNOWN_METRICS,
  matching,
  maxBy,
  metric,
  not,
  promql,
  quantile,
  rate,
  SCRAPE_METRICS,
  sumBy,
  sumOf,
  topk,
} from './promql.ts';
export type { Expression, KnownMetric, Matcher, Selector } from './promql.ts';
export { columns, every, literal, sql } from './sql.ts';
export type { Columns, Sql } from './sql.ts';
export { eachAnnotationQuery, eachPanel, eachQuery, eachVariableQuery, variablesIn } from './walk.ts';
export type { DashboardQuery, Source } from './walk.ts';
export { API_URL } from './variables.ts';
