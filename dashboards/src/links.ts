/** A link of a cell or point. */
export interface CellLink {
  readonly title: string;
  readonly url: string;
  readonly targetBlank: boolean;
}

/** The dashboards' uids: stable, since links and alerts name them. */
export const UIDS = {
  overview: 'spanmeter-overview',
  tenant: 'spanmeter-tenant',
  models: 'spanmeter-models',
  cache: 'spanmeter-cache',
  budgets: 'spanmeter-budgets',
  quality: 'spanmeter-data-quality',
  collector: 'spanmeter-collector',
} as const;
export type BoardName = keyof typeof UIDS;

/** Opens another dashboard at the same time with the same choices, one of them replaced by the cell's own. */
export function toBoard(board: BoardName, title: string, variable: string): CellLink {
  const others = ['tenant', 'environment', 'team', 'provider', 'model']
    .filter((name) => name !== variable)
    .map((name) => `\${${name}:queryparam}`);
  const own = `var-${variable}=\${__value.raw:percentencode}`;
  const query = ['${__url_time_range}', ...others, own, '${ds_pg:queryparam}', '${ds_prom:queryparam}'];
  return { title, url: `/d/${UIDS[board]}?${query.join('&')}`, targetBlank: false };
}

/** Opens the trace of the cell in the team's own trace store, or in the collector's API. */
export const TO_TRACE: CellLink = {
  title: 'Open trace ${__value.raw}',
  url: '${trace_url:raw}${__value.raw:percentencode}',
  targetBlank: true,
};

/** Opens the collector's API for the range; `path` has its question already. */
export function toApi(title: string, path: string): CellLink {
  const range = '&from=${__from:date:iso}&to=${__to:date:iso}';
  return { title, url: `\${api_url:raw}${path}${range}`, targetBlank: true };
}

/** Opens the collector's API, whatever the range. */
export function toApiNow(title: string, path: string): CellLink {
  return { title, url: `\${api_url:raw}${path}`, targetBlank: true };
}

/** The text of another column of the row, for a URL. */
export function cellOf(column: string): string {
  return `\${__data.fields.${column}:percentencode}`;
}
