import type { AnnotationSpec } from './board.ts';
import { inRange, ofTenants } from './filters.ts';
import { columns, sql } from './sql.ts';
import { fromSql } from './targets.ts';

const book = columns('price_books', 'b');
const alert = columns('alerts', 'a');
const log = columns('audit_log', 'l');

/** Most marks of one kind in the range. */
const MAX_MARKS = 100;

const BOOKS = sql`
  SELECT ${book.created_at} AS time, 'Price book ' || ${book.version} AS text, 'prices' AS tags
  FROM ${book.$from}
  WHERE ${inRange(book.created_at)}
  ORDER BY 1 DESC
  LIMIT ${MAX_MARKS}`;

const ALERTS = sql`
  SELECT ${alert.started_at} AS time, ${alert.resolved_at} AS timeend, ${alert.summary} AS text,
    ${alert.severity} || ',' || ${alert.kind} AS tags
  FROM ${alert.$from}
  WHERE ${inRange(alert.started_at)} AND ${ofTenants(alert.tenant_id)}
  ORDER BY 1 DESC
  LIMIT ${MAX_MARKS}`;

const EDITS = sql`
  SELECT ${log.at} AS time, ${log.action} || ' ' || coalesce(${log.target}, '') || ' by ' || ${log.actor} AS text,
    'change' AS tags
  FROM ${log.$from}
  WHERE ${inRange(log.at)} AND ${log.action} ~ '^(budget|override|reprice)[.]'
  ORDER BY 1 DESC
  LIMIT ${MAX_MARKS}`;

/** What explains a step in a curve: new prices, alerts, changes of budgets and prices. */
export const NOTES: readonly AnnotationSpec[] = [
  { name: 'Price books', color: 'blue', target: fromSql(BOOKS) },
  { name: 'Alerts', color: 'red', target: fromSql(ALERTS) },
  { name: 'Budget and price changes', color: 'purple', target: fromSql(EDITS) },
];
