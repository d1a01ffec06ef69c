import * as units from '@grafana/grafana-foundation-sdk/units';
import type { RowSpec } from '../board.ts';
import { inRange } from '../filters.ts';
import { TIME_PX } from '../panels.ts';
import { columns, sql } from '../sql.ts';
import { fromSql } from '../targets.ts';

const c = columns('journal_cursors', 'c');
const CURSORS = sql`
  SELECT ${c.exporter} AS exporter, ${c.journal_id}::text AS journal, ${c.sequence} AS sequence,
    ${c.spans_done} AS spans_done, ${c.updated_at} AS updated_at,
    extract(epoch FROM now() - ${c.updated_at})::float8 AS since
  FROM ${c.$from}
  ORDER BY ${c.updated_at} DESC
  LIMIT 100`;

const SIZES = sql`
  SELECT coalesce(parent.relname, own.relname)::text AS name, sum(pg_total_relation_size(own.oid)) AS bytes,
    sum(greatest(own.reltuples, 0))::float8 AS row_estimate, count(*) FILTER (WHERE own.relispartition) AS partitions
  FROM pg_class own
    LEFT JOIN pg_inherits i ON i.inhrelid = own.oid
    LEFT JOIN pg_class parent ON parent.oid = i.inhparent
  WHERE own.relnamespace = 'spanmeter'::regnamespace AND own.relkind = 'r'
  GROUP BY 1
  ORDER BY 2 DESC, 1
  LIMIT 50`;

const p = columns('reprice_runs', 'p');
const RUNS = sql`
  SELECT ${p.started_at} AS time, ${p.state} AS state, ${p.actor} AS actor, ${p.reason} AS reason,
    ${p.calls_looked_at} AS looked_at, ${p.calls_changed} AS changed, ${p.increase_usd} AS increase_usd,
    ${p.decrease_usd} AS decrease_usd, ${p.finished_at} AS finished_at, ${p.id}::text AS run
  FROM ${p.$from}
  WHERE ${inRange(p.started_at)}
  ORDER BY ${p.started_at} DESC
  LIMIT 50`;

/** What the database holds. */
export const DATABASE: RowSpec = {
  id: 104,
  title: 'Database',
  panels: [
    {
      id: 26,
      title: 'Tables',
      text: {
        shows:
          'Bytes of each table with its indexes and partitions, and how many rows PostgreSQL believes it has.',
        from: 'ledger',
        time: 'now',
        estimate: 'Bytes are exact; rows are an estimate.',
        empty: 'the schema is not there',
      },
      drawing: 'table',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [fromSql(SIZES)],
      fields: {
        name: { title: 'Table' },
        bytes: { title: 'Size', unit: units.BytesIEC, gauge: true },
        row_estimate: { title: 'Rows, about' },
        partitions: { title: 'Partitions' },
      },
    },
    {
      id: 27,
      title: 'Ways through the journals',
      text: {
        shows: 'How far each exporter has come in each journal, and when it last moved.',
        from: 'ledger',
        time: 'now',
        empty: 'no collector has stored anything yet',
      },
      drawing: 'table',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [fromSql(CURSORS)],
      fields: {
        exporter: { title: 'Exporter' },
        journal: { title: 'Journal' },
        sequence: { title: 'Request' },
        spans_done: { title: 'Spans done' },
        updated_at: { title: 'Moved', width: TIME_PX },
        since: { title: 'Ago', unit: units.Seconds },
      },
    },
    {
      id: 28,
      title: 'Reprice runs',
      text: {
        shows:
          'Runs of `spanmeter reprice` that began in the range: how far they came and what they changed.',
        from: 'ledger',
        time: 'ingest',
        empty: 'nobody repriced in the range',
      },
      drawing: 'table',
      width: 24,
      height: 7,
      unit: units.Short,
      targets: [fromSql(RUNS)],
      fields: {
        time: { title: 'Began' },
        state: { title: 'State' },
        actor: { title: 'Who' },
        reason: { title: 'Reason' },
        looked_at: { title: 'Looked at' },
        changed: { title: 'Changed' },
        increase_usd: { title: 'Raised', unit: units.Dollars, decimals: 6 },
        decrease_usd: { title: 'Lowered', unit: units.Dollars, decimals: 6 },
        finished_at: { title: 'Finished' },
        run: { title: 'Run' },
      },
    },
  ],
};
