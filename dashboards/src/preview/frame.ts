export type FieldType = 'time' | 'number' | 'string' | 'boolean' | 'other';

/** One column of an answer; times are milliseconds since the epoch. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly values: readonly unknown[];
  readonly labels?: Readonly<Record<string, string>>;
  /** The series' name by the query's legend. */
  readonly legend?: string;
}

/** What one query answers. */
export interface Frame {
  readonly refId: string;
  readonly fields: readonly Field[];
}

export const rowCount = (frame: Frame): number => frame.fields[0]?.values.length ?? 0;

/** Rows as objects by column name. */
export function rowsOf(frame: Frame): Record<string, unknown>[] {
  return Array.from({ length: rowCount(frame) }, (_, row) =>
    Object.fromEntries(frame.fields.map(({ name, values }) => [name, values[row]])),
  );
}

/** A field's name as legends and headers show it. */
export function fieldTitle({ name, legend, labels }: Field): string {
  if (legend !== undefined && legend !== '') return legend;
  if (labels !== undefined && Object.keys(labels).length > 0) {
    const values = Object.values(labels).join(' ');
    return name === 'value' || name === 'Value' ? values : `${name} ${values}`;
  }
  return name;
}

/** A cell as text; empty where there is none. */
export function cellText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** The last value that is one: as Grafana's `lastNotNull`, which takes what is no number for none. */
export function lastOf({ values }: Field): unknown {
  return values.findLast((value) => value !== null && value !== undefined && !Number.isNaN(value));
}
