import { randomUUID } from 'node:crypto';
import { formatPico } from '@spanmeter/processors';
import type { Client } from 'pg';
import { audit, inTransaction } from '../keys/transaction.ts';
import { microsText, type CallSelection, type PageEnd } from './call-pages.ts';
import type { Pricing, Repriced } from './recompute.ts';
import { pricingDigest } from './recompute.ts';

/** What was done by a run, over all the times that it was continued. */
export interface RunCounts {
  readonly calls_looked_at: number;
  readonly calls_changed: number;
  readonly calls_newly_priced: number;
  readonly calls_no_longer_priced: number;
  /** Exact decimal USD. */
  readonly increase_usd: string;
  readonly decrease_usd: string;
}

export interface OpenRun {
  readonly id: string;
  readonly reason: string;
  /** The last call that was looked at; null before the first. */
  readonly after: PageEnd | null;
  /** Whether it goes on where an interrupted run of the same command stopped. */
  readonly continued: boolean;
  readonly counts: RunCounts;
}

export interface RunRequest {
  readonly selection: CallSelection;
  readonly pricing: Pricing;
  readonly reason: string;
  readonly actor: string;
  /** Calls per transaction; 5,000 by default. */
  readonly pageCalls?: number;
}

interface RunRow extends Record<keyof RunCounts, string> {
  readonly id: string;
  readonly reason: string;
  readonly last_done: PageEnd | null;
}

const COUNTS = `calls_looked_at, calls_changed, calls_newly_priced, calls_no_longer_priced, increase_usd, decrease_usd`;

function countsOf(row: Record<keyof RunCounts, string>): RunCounts {
  return {
    calls_looked_at: Number(row.calls_looked_at),
    calls_changed: Number(row.calls_changed),
    calls_newly_priced: Number(row.calls_newly_priced),
    calls_no_longer_priced: Number(row.calls_no_longer_priced),
    increase_usd: row.increase_usd,
    decrease_usd: row.decrease_usd,
  };
}

/** An interrupted run of the same command with the same prices, or null. */
export async function findInterrupted(client: Client, request: RunRequest): Promise<OpenRun | null> {
  const { from, to, tenant, model } = request.selection;
  const { rows } = await client.query<RunRow>(
    `SELECT id, reason, last_done, ${COUNTS} FROM spanmeter.reprice_runs
     WHERE state = 'running' AND range_from = $1 AND range_to = $2 AND only_tenant IS NOT DISTINCT FROM $3
       AND only_model IS NOT DISTINCT FROM $4 AND pricing_digest = $5
     ORDER BY started_at DESC LIMIT 1`,
    [from, to, tenant, model, pricingDigest(request.pricing)],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return { id: row.id, reason: row.reason, after: row.last_done, continued: true, counts: countsOf(row) };
}

/**
 * Begins a run. Interrupted runs with other prices are given up: were one continued later, its first part would
 * have the prices of this run and its second part its own.
 */
export async function beginRun(client: Client, request: RunRequest): Promise<OpenRun> {
  const { selection, pricing, reason, actor } = request;
  const { from, to, tenant, model } = selection;
  const digest = pricingDigest(pricing);
  const version = pricing.books.shared.version;
  const id = randomUUID();
  return inTransaction(client, async () => {
    await client.query(
      `UPDATE spanmeter.reprice_runs SET state = 'abandoned', finished_at = now()
       WHERE state = 'running' AND pricing_digest <> $1`,
      [digest],
    );
    const { rows } = await client.query<RunRow>(
      `INSERT INTO spanmeter.reprice_runs (id, range_from, range_to, only_tenant, only_model, reason, actor,
         book_version, pricing_digest)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id, ${COUNTS}`,
      [id, from, to, tenant, model, reason, actor, version, digest],
    );
    const detail = { from, to, model, reason, book_version: version };
    await audit(client, { actor, action: 'reprice.begin', tenant, target: id, detail });
    const row = rows[0];
    if (row === undefined) throw new Error('the run was not stored');
    return { id, reason, after: null, continued: false, counts: countsOf(row) };
  });
}

/** What one page adds to a run. */
export class PageCounts {
  #lookedAt = 0;
  #changed = 0;
  #newlyPriced = 0;
  #noLongerPriced = 0;
  #increase = 0n;
  #decrease = 0n;

  add({ change }: Repriced): void {
    this.#lookedAt++;
    if (change === null) return;
    this.#changed++;
    if (change.oldCost === null && change.newCost !== null) this.#newlyPriced++;
    if (change.oldCost !== null && change.newCost === null) this.#noLongerPriced++;
    const delta = (change.newCost ?? 0n) - (change.oldCost ?? 0n);
    if (delta > 0n) this.#increase += delta;
    else this.#decrease -= delta;
  }

  /** In the order of `COUNTS`. */
  values(): readonly (string | number)[] {
    const amounts = [formatPico(this.#increase), formatPico(this.#decrease)];
    return [this.#lookedAt, this.#changed, this.#newlyPriced, this.#noLongerPriced, ...amounts];
  }
}

/** Moves a run forward, in the transaction that writes its corrections. */
export async function moveRun(client: Client, id: string, after: PageEnd, page: PageCounts): Promise<void> {
  const added = COUNTS.split(', ').map((column, index) => `${column} = ${column} + $${index + 3}`);
  await client.query(
    `UPDATE spanmeter.reprice_runs SET last_done = $2, updated_at = now(), ${added.join(', ')} WHERE id = $1`,
    [id, JSON.stringify(after), ...page.values()],
  );
}

/** Ends a run; resolves with all that it did. */
export async function finishRun(client: Client, run: OpenRun, request: RunRequest): Promise<RunCounts> {
  return inTransaction(client, async () => {
    const { rows } = await client.query<RunRow>(
      `UPDATE spanmeter.reprice_runs SET state = 'finished', finished_at = now() WHERE id = $1 RETURNING ${COUNTS}`,
      [run.id],
    );
    const row = rows[0];
    if (row === undefined) throw new Error('the run is not stored any more');
    const counts = countsOf(row);
    await audit(client, {
      actor: request.actor,
      action: 'reprice.finish',
      tenant: request.selection.tenant,
      target: run.id,
      detail: {
        calls_changed: String(counts.calls_changed),
        increase_usd: counts.increase_usd,
        decrease_usd: counts.decrease_usd,
      },
    });
    return counts;
  });
}

/** The database's clock in microseconds since 1970, and as ISO text. */
export async function databaseNow(client: Client): Promise<{ micros: number; iso: string }> {
  const { rows } = await client.query<{ micros: string }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros',
  );
  const micros = BigInt(rows[0]?.micros ?? 0);
  return { micros: Number(micros), iso: microsText(micros) };
}
