export { ALL_BOARDS as DASHBOARDS } from './all-boards.ts';
export { builtBoards, builtBoardTable } from './built-boards.ts';
export { builtRules } from './built-rules.ts';
export { ALERT_GROUPS, ALERT_RULES } from './rules/all-rules.ts';
export { RECORDING_GROUPS } from './rules/recording-rules.ts';
export { boundOf, expressionOf } from './rules/rule.ts';
export type { AlertRule, RecordingRule, RuleGroup } from './rules/rule.ts';
export { JOBS } from './rules/series.ts';
export { DATASOURCES, SCRAPE_INTERVAL } from './provisioning/datasources.ts';
export { DASHBOARD_PATH } from './provisioning/dashboards.ts';
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
  least,
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
