import type { DataTransformerConfig } from '@grafana/grafana-foundation-sdk/dashboard';

/** Makes columns of the texts of `column`, one row for each text of `row`. */
export function matrix(column: string, row: string, value: string): DataTransformerConfig {
  const options = { columnField: column, rowField: row, valueField: value, emptyValue: 'null' };
  return { id: 'groupingToMatrix', options };
}

/** Joins several queries of Prometheus to one table: without the time, the values named after what they are. */
export function joined(values: Readonly<Record<string, string>>): readonly DataTransformerConfig[] {
  return [
    { id: 'merge', options: {} },
    { id: 'organize', options: { excludeByName: { Time: true }, renameByName: values, indexByName: {} } },
  ];
}

/** Sorts rows by a column, the least first. */
export function sorted(field: string): DataTransformerConfig {
  return { id: 'sortBy', options: { fields: {}, sort: [{ field, desc: false }] } };
}
