import { formatPico, type PriceBook } from '@spanmeter/processors';
import type { Client } from 'pg';
import { BinaryCopy } from '../exporters/postgres/binary-copy.ts';
import { COST_SCALE } from '../exporters/postgres/call-rows.ts';
import { encodeCorrections, hashOf, ROLLUP_COLUMNS } from '../exporters/postgres/rollup.ts';
import { Script, type Statement } from '../exporters/postgres/script.ts';
import { copyInto, MERGE_ROLLUPS, STAGED_ROLLUPS } from '../exporters/postgres/session.ts';
import type { RepricedCall } from './recompute.ts';

/** Whoever writes corrections holds this lock in the transaction in which it reads what is current. */
export const CORRECTIONS_LOCK = 7_305_811_009;

/** Columns of `spanmeter.cost_adjustments` in the order that `encodeAdjustments` writes them. */
const ADJUSTMENT_COLUMNS: readonly string[] = [
  'tenant_id',
  'started_at',
  'trace_id',
  'span_id',
  'reason',
  'delta_usd',
  'old_status',
  'new_status',
  'old_price_version',
  'new_price_version',
  'old_cost_usd',
  'new_cost_usd',
  'run_id',
  'created_at',
];
const EXPECTED_ROW_BYTES = 400;
const MICROS_PER_DAY = 86_400_000_000;

/** The circumstances of the corrections of one transaction. */
export interface CorrectionContext {
  readonly runId: string;
  readonly reason: string;
  /** Microseconds since 1970 by the database's clock. */
  readonly atMicros: number;
}

function compareKeys({ call: a }: RepricedCall, { call: b }: RepricedCall): number {
  if (a.tenantId !== b.tenantId) return a.tenantId < b.tenantId ? -1 : 1;
  return a.traceId === b.traceId ? 0 : a.traceId < b.traceId ? -1 : 1;
}

function encodeAdjustments(changes: readonly RepricedCall[], context: CorrectionContext): BinaryCopy {
  const copy = new BinaryCopy(ADJUSTMENT_COLUMNS.length, changes.length * EXPECTED_ROW_BYTES);
  // In the order of the unique index, whose pages are then touched once each.
  for (const change of changes.toSorted(compareKeys)) {
    const { call, oldStatus, oldCost, oldVersion, newStatus, newCost, newVersion } = change;
    copy.startRow();
    copy.text(call.tenantId);
    copy.timestamp(Number(call.startedAtMicros));
    copy.text(call.traceId);
    copy.text(call.spanId);
    copy.text(context.reason);
    copy.numeric((newCost ?? 0n) - (oldCost ?? 0n), COST_SCALE);
    copy.text(oldStatus);
    copy.text(newStatus);
    copy.text(oldVersion);
    copy.text(newVersion);
    copy.numeric(oldCost, COST_SCALE);
    copy.numeric(newCost, COST_SCALE);
    copy.text(context.runId);
    copy.timestamp(context.atMicros);
  }
  return copy;
}

/** Labels of the metric in the order of the columns; NULL is the empty text there. */
function labelsOf({ call }: RepricedCall): readonly string[] {
  const { provider, model, operation, serviceName, environment, team, feature } = call;
  return [provider, model, operation, serviceName, environment ?? '', team ?? '', feature ?? ''];
}

interface TotalRow {
  readonly tenant: string;
  readonly hash: Buffer;
  readonly direction: 'up' | 'down';
  readonly labels: readonly string[];
  amount: bigint;
}

const ADD_TOTALS = `INSERT INTO spanmeter.cost_correction_totals AS t (tenant_id, dimensions_hash, direction,
    provider, model, operation, service_name, environment, team, feature, amount_usd)
  SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::numeric[])
  ON CONFLICT (tenant_id, dimensions_hash, direction) DO UPDATE SET amount_usd = t.amount_usd + excluded.amount_usd`;

function totalsOf(changes: readonly RepricedCall[]): readonly TotalRow[] {
  const totals = new Map<string, TotalRow>();
  for (const change of changes) {
    const delta = (change.newCost ?? 0n) - (change.oldCost ?? 0n);
    if (delta === 0n) continue;
    const direction = delta > 0n ? 'up' : 'down';
    const labels = labelsOf(change);
    const tenant = change.call.tenantId;
    const dimensions = labels.join('\u0000');
    const key = `${tenant}\u0000${direction}\u0000${dimensions}`;
    const known = totals.get(key);
    const amount = delta > 0n ? delta : -delta;
    if (known !== undefined) known.amount += amount;
    else totals.set(key, { tenant, hash: hashOf(dimensions), direction, labels, amount });
  }
  return [...totals.values()];
}

async function addTotals(client: Client, changes: readonly RepricedCall[]): Promise<void> {
  const rows = totalsOf(changes);
  if (rows.length === 0) return;
  const label = (index: number): string[] => rows.map((row) => row.labels[index] ?? '');
  await client.query(ADD_TOTALS, [
    rows.map((row) => row.tenant),
    rows.map((row) => row.hash),
    rows.map((row) => row.direction),
    ...[0, 1, 2, 3, 4, 5, 6].map(label),
    rows.map((row) => formatPico(row.amount)),
  ]);
}

/** Stores books that the store does not have yet. */
export async function storeBooks(client: Client, books: readonly PriceBook[]): Promise<void> {
  const versions = books.map((book) => book.version);
  const { rows } = await client.query<{ version: string }>(
    'SELECT version FROM spanmeter.price_books WHERE version = ANY ($1::text[])',
    [versions],
  );
  const known = new Set(rows.map((row) => row.version));
  for (const book of books) {
    if (known.has(book.version)) continue;
    await client.query(
      'INSERT INTO spanmeter.price_books (version, content) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      [book.version, book.content()],
    );
  }
}

/** Writes corrections, the rollups that they move and the totals of the metric, in the caller's transaction. */
export async function writeCorrections(
  client: Client,
  changes: readonly RepricedCall[],
  context: CorrectionContext,
): Promise<void> {
  const rollups = encodeCorrections(changes, Math.floor(context.atMicros / MICROS_PER_DAY));
  const statements: readonly Statement[] = [
    copyInto('spanmeter.cost_adjustments', ADJUSTMENT_COLUMNS, encodeAdjustments(changes, context).payload()),
    copyInto(STAGED_ROLLUPS, ROLLUP_COLUMNS, rollups.payload()),
    { sql: MERGE_ROLLUPS },
  ];
  const script = new Script(statements);
  client.query(script);
  await script.done;
  await addTotals(client, changes);
}
