import { TABLES } from '@spanmeter/processors';
import type { ColumnName, TableName } from '@spanmeter/processors';

declare const sqlBrand: unique symbol;
/** A piece of SQL that was made from known names, so that a plain string cannot slip in. */
export type Sql = string & { readonly [sqlBrand]: true };

/** The columns of a table under an alias, each as `alias.column`, and the table itself for FROM. */
export type Columns<T extends TableName> = { readonly [Column in ColumnName<T>]: Sql } & {
  /** `spanmeter.<table> <alias>`, for FROM and JOIN. */
  readonly $from: Sql;
};

/** Names of a table's columns for {@link sql}; one that is not there does not compile. */
export function columns<T extends TableName>(table: T, alias: string): Columns<T> {
  const named = Object.fromEntries(TABLES[table].map((column) => [column, `${alias}.${column}`]));
  return { ...named, $from: `spanmeter.${table} ${alias}` } as unknown as Columns<T>;
}

/**
 * SQL for PostgreSQL as Grafana's data source runs it: `$__timeFrom()` and `${tenant:sqlstring}` are left to
 * Grafana. Tables come from {@link columns} alone: throws where the text names one itself.
 */
export function sql(texts: TemplateStringsArray, ...values: readonly (Sql | number)[]): Sql {
  const named = texts.find((text) => /\bspanmeter\.\w/.test(text));
  if (named !== undefined) throw new Error(`tables are named by columns(): ${named}`);
  const text = texts.reduce((left, right, index) => `${left}${indented(left, values[index - 1])}${right}`);
  return outdented(text) as Sql;
}

/** Several conditions, all of which hold. */
export function every(...conditions: readonly Sql[]): Sql {
  return conditions.join('\n  AND ') as Sql;
}

/** A text as SQL writes it. */
export function literal(text: string): Sql {
  return `'${text.replaceAll("'", "''")}'` as Sql;
}

/** A piece of several lines keeps the place that it is put at. */
function indented(left: string, value: Sql | number | undefined): string {
  const indent = /(?:^|\n)( *)[^\n]*$/.exec(left)?.[1] ?? '';
  return String(value).replaceAll('\n', `\n${indent}`);
}

function outdented(text: string): string {
  const lines = text.replace(/^\n/, '').trimEnd().split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const least = Math.min(...indents);
  return lines.map((line) => (line.search(/\S/) >= least ? line.slice(least) : line)).join('\n');
}
