import { formatPico, type PriceBook } from '@spanmeter/processors';
import type { Client } from 'pg';
import { RowSpend, type RowBudgets } from '../budgets/row-spend.ts';
import { BinaryCopy } from '../exporters/postgres/binary-copy.ts';
import { COST_SCALE } from '../exporters/postgres/call-rows.ts';
import { CorrectionSums, hashOf, ROLLUP_COLUMNS } from '../exporters/postgres/rollup.ts';
import { Script, type Statement } from '../exporters/postgres/script.ts';
import { copyInto, MERGE_ROLLUPS, STAGED_ROLLUPS } from '../exporters/postgres/session.ts';
import { microsText } from './call-pages.ts';
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
const EXPECTED_BYTES = 512 * 1024;
const MICROS_PER_DAY = 86_400_000_000;

/** The circumstances of the corrections of one transaction. */
export interface CorrectionContext {
  readonly runId: string;
  readonly reason: string;
  /** Microseconds since 1970 by the database's clock. */
  readonly atMicros: number;
  /** Those of the transaction, which holds them as they are until its end. */
  readonly budgets: RowBudgets;
}

/** Tells collectors that spend was corrected, so that they read it again. */
export const CORRECTIONS_CHANNEL = 'spanmeter_corrections';

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

const ADD_TIMES = `INSERT INTO spanmeter.correction_times AS t (tenant_id, run_id, recorded_on, first_at, last_at)
  SELECT tenant, $2::uuid, ($3::timestamptz AT TIME ZONE 'UTC')::date, $3::timestamptz, $3::timestamptz
  FROM unnest($1::text[]) AS tenant
  ON CONFLICT (tenant_id, run_id, recorded_on) DO UPDATE
  SET first_at = least(t.first_at, excluded.first_at), last_at = greatest(t.last_at, excluded.last_at)`;

async function addTotals(client: Client, rows: readonly TotalRow[]): Promise<void> {
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

/** Corrections of one transaction: encoded as they are added, so that only their bytes are kept. */
export class CorrectionBatch {
  readonly #context: CorrectionContext;
  readonly #rows = new BinaryCopy(ADJUSTMENT_COLUMNS.length, EXPECTED_BYTES);
  readonly #sums: CorrectionSums;
  readonly #totals = new Map<string, TotalRow>();
  readonly #tenants = new Set<string>();
  readonly #spend: RowSpend;
  #size = 0;

  constructor(context: CorrectionContext) {
    this.#context = context;
    this.#sums = new CorrectionSums(Math.floor(context.atMicros / MICROS_PER_DAY), context.runId);
    this.#spend = new RowSpend(context.budgets);
  }

  get size(): number {
    return this.#size;
  }

  add(change: RepricedCall): void {
    this.#size++;
    this.#tenants.add(change.call.tenantId);
    const delta = (change.newCost ?? 0n) - (change.oldCost ?? 0n);
    this.#addRow(change, delta);
    this.#sums.add(change);
    this.#spend.add(change.call, change.oldStatus, change.oldCost, -1);
    this.#spend.add(change.call, change.newStatus, change.newCost, 1);
    if (delta !== 0n) this.#addTotal(change, delta);
  }

  /** Writes the corrections, the rollups that they move and the totals of the metric, in the caller's transaction. */
  async write(client: Client): Promise<void> {
    const spend = this.#spend.statement();
    const statements: readonly Statement[] = [
      copyInto('spanmeter.cost_adjustments', ADJUSTMENT_COLUMNS, this.#rows.payload()),
      copyInto(STAGED_ROLLUPS, ROLLUP_COLUMNS, this.#sums.encode().payload()),
      { sql: MERGE_ROLLUPS },
      ...(spend === null ? [] : [{ sql: spend }]),
      { sql: `NOTIFY ${CORRECTIONS_CHANNEL}` },
    ];
    const script = new Script(statements);
    client.query(script);
    await script.done;
    await addTotals(client, [...this.#totals.values()]);
    const at = microsText(BigInt(this.#context.atMicros));
    await client.query(ADD_TIMES, [[...this.#tenants], this.#context.runId, at]);
  }

  #addRow(change: RepricedCall, delta: bigint): void {
    const { call, oldStatus, oldCost, oldVersion, newStatus, newCost, newVersion } = change;
    const copy = this.#rows;
    copy.startRow();
    copy.text(call.tenantId);
    copy.timestamp(Number(call.startedAtMicros));
    copy.text(call.traceId);
    copy.text(call.spanId);
    copy.text(this.#context.reason);
    copy.numeric(delta, COST_SCALE);
    copy.text(oldStatus);
    copy.text(newStatus);
    copy.text(oldVersion);
    copy.text(newVersion);
    copy.numeric(oldCost, COST_SCALE);
    copy.numeric(newCost, COST_SCALE);
    copy.text(this.#context.runId);
    copy.timestamp(this.#context.atMicros);
  }

  #addTotal(change: RepricedCall, delta: bigint): void {
    const direction = delta > 0n ? 'up' : 'down';
    const labels = labelsOf(change);
    const tenant = change.call.tenantId;
    const dimensions = labels.join('\u0000');
    const key = `${tenant}\u0000${direction}\u0000${dimensions}`;
    const amount = delta > 0n ? delta : -delta;
    const known = this.#totals.get(key);
    if (known !== undefined) known.amount += amount;
    else this.#totals.set(key, { tenant, hash: hashOf(dimensions), direction, labels, amount });
  }
}
