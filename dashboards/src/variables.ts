import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableHide,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';
import { ALL_VALUE, inRange, NONE, ROLLUP } from './filters.ts';
import type { Filter } from './filters.ts';
import { columns, literal, sql } from './sql.ts';
import type { Sql } from './sql.ts';
import { POSTGRES } from './targets.ts';

/** Most choices that a variable lists; any other can be typed. */
const MAX_CHOICES = 1_000;
/** So many of the range's newest rollups tell the choices: a year of them would take seconds. */
const CHOICE_ROWS = 50_000;

/** Where the collector's API is, unless a dashboard is told otherwise. */
export const API_URL = 'http://127.0.0.1:8080';

const TENANT = columns('tenants', 't');

/** The id is in each text, since Grafana lists one of those that read alike. */
const TENANTS: Sql = sql`
  SELECT ${TENANT.id} AS __value,
    CASE WHEN ${TENANT.name} <> ${TENANT.id} THEN ${TENANT.name} || ' (' || ${TENANT.id} || ')'
      ELSE ${TENANT.id} END AS __text
  FROM ${TENANT.$from}
  ORDER BY 2
  LIMIT ${MAX_CHOICES}`;

/** Values of a column of the rollups; a missing one is the empty text, as in the metrics' labels. */
function seen(column: Sql): Sql {
  return sql`
    SELECT v AS __value, CASE v WHEN '' THEN ${literal(NONE)} ELSE v END AS __text
    FROM (
      SELECT DISTINCT v
      FROM (
        SELECT coalesce(${column}, '') AS v
        FROM ${ROLLUP.$from}
        WHERE ${inRange(ROLLUP.bucket_start)}
        ORDER BY ${ROLLUP.bucket_start} DESC
        LIMIT ${CHOICE_ROWS}
      ) newest
    ) s
    ORDER BY 2
    LIMIT ${MAX_CHOICES}`;
}

const CHOICES: Readonly<
  Record<Filter, { readonly label: string; readonly query: Sql; readonly about: string }>
> = {
  tenant: { label: 'Tenant', query: TENANTS, about: `The first ${MAX_CHOICES} tenants by name` },
  environment: { label: 'Environment', query: seen(ROLLUP.environment), about: recent('Environments') },
  team: { label: 'Team', query: seen(ROLLUP.team), about: recent('Teams') },
  provider: { label: 'Provider', query: seen(ROLLUP.provider), about: recent('Providers') },
  model: { label: 'Model', query: seen(ROLLUP.model), about: recent('Models') },
};

function recent(what: string): string {
  return `${what} of the range's newest ${CHOICE_ROWS} sums`;
}

/** One filter: many values, or all, whichever were never listed included. */
function filterVariable(filter: Filter, hidden: boolean): Builder<VariableModel> {
  const { label, query, about } = CHOICES[filter];
  return new QueryVariableBuilder(filter)
    .label(label)
    .description(`${about}; others can be typed.`)
    .datasource(POSTGRES)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(ALL_VALUE)
    .allowCustomValue(true)
    .current({ text: ['All'], value: ['$__all'] })
    .hide(hidden ? VariableHide.HideVariable : VariableHide.DontHide);
}

function textBox(name: string, label: string, about: string, value: string): Builder<VariableModel> {
  return new TextBoxVariableBuilder(name)
    .label(label)
    .description(about)
    .defaultValue(value)
    .current({ text: value, value })
    .options([{ text: value, value, selected: true }])
    .hide(VariableHide.InControlsMenu);
}

/**
 * Variables of a dashboard. Those in `unused` exist, so that links carry them on, but are not shown, since they
 * would change nothing there.
 */
export function boardVariables(unused: readonly Filter[]): readonly Builder<VariableModel>[] {
  const trace = 'Where traces are opened; the trace id is put at the end.';
  const filters: readonly Filter[] = ['tenant', 'environment', 'team', 'provider', 'model'];
  return [
    new DatasourceVariableBuilder('ds_pg')
      .label('PostgreSQL')
      .type('grafana-postgresql-datasource')
      .description('The ledger: money is read from it.')
      .current({ text: 'Spanmeter PostgreSQL', value: 'spanmeter-postgres' }),
    new DatasourceVariableBuilder('ds_prom')
      .label('Prometheus')
      .type('prometheus')
      .description('The metrics: rates and latencies are read from it.')
      .current({ text: 'Spanmeter Prometheus', value: 'spanmeter-prometheus' }),
    ...filters.map((filter) => filterVariable(filter, unused.includes(filter))),
    textBox('trace_url', 'Trace store', trace, `${API_URL}/api/v1/calls?trace_id=`),
    textBox('api_url', 'Collector API', "Where the collector's API answers.", API_URL),
  ];
}
