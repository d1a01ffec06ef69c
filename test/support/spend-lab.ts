import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { Call } from '@spanmeter/processors';
import type { BudgetState } from '@spanmeter/collector/dist/budgets/budget.js';
import { Spending } from '@spanmeter/collector/dist/budgets/spending.js';
import {
  createPostgresLedger,
  type PostgresLedger,
} from '@spanmeter/collector/dist/exporters/postgres/ledger.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { sampleCall } from '../collector/postgres/sample-call.ts';
import { sql } from './database.ts';

const EXPORTER = 'postgres';
let lastId = 0;

/** A call with ids of its own. */
export function ownCall(startedAtMs: number, changes: Partial<Call> = {}): Call {
  lastId++;
  return sampleCall(startedAtMs, {
    traceId: lastId.toString(16).padStart(32, '0'),
    spanId: lastId.toString(16).padStart(16, '0'),
    ...changes,
  });
}

/** One collector as far as spend goes: a journal, a ledger and its memory. */
export class SpendLab {
  readonly spending: Spending;
  readonly journalId: string = randomUUID();
  readonly #url: string;
  readonly #now: () => number;
  readonly #ledger: PostgresLedger;
  #sequence = 0;

  /** `now` is the clock of all of it, in milliseconds since 1970. */
  constructor(url: string, now: () => number) {
    this.#url = url;
    this.#now = now;
    this.spending = new Spending({ log: SILENT_LOG, now });
    this.#ledger = createPostgresLedger({
      connectionString: url,
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
      retentionDays: 400,
      now,
    });
  }

  /** Commits without telling memory; resolves with what `tell` tells. */
  async store(calls: readonly Call[]): Promise<readonly Call[]> {
    const at = { sequence: this.#sequence, spansDone: this.#sequence };
    if (this.#sequence === 0) await this.#ledger.createCursor(this.journalId, EXPORTER, at);
    const to = { sequence: this.#sequence + 1, spansDone: this.#sequence + 1 };
    const prepared = this.#ledger.prepare({
      journalId: this.journalId,
      exporter: EXPORTER,
      from: at,
      to,
      calls,
      deadLetters: [],
      books: [],
    });
    const { inserted } = await this.#ledger.commit(prepared);
    this.#sequence++;
    return inserted;
  }

  /** Tells memory of the latest commit. */
  tell(inserted: readonly Call[], isCertain = true): void {
    const { journalId } = this;
    this.spending.committed({ journalId, exporter: EXPORTER, sequence: this.#sequence, inserted, isCertain });
  }

  /** Commits and tells, as the drain does. */
  async write(calls: readonly Call[]): Promise<void> {
    this.tell(await this.store(calls));
  }

  async refresh(): Promise<void> {
    await this.with((client) => this.spending.refresh(client));
  }

  /** Runs `work` on a connection of its own. */
  async with<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ connectionString: this.#url });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** What a collector that starts now has in memory. */
  async fresh(): Promise<readonly BudgetState[]> {
    const other = new Spending({ log: SILENT_LOG, now: this.#now });
    await this.with((client) => other.refresh(client));
    return other.states(null);
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }
}

/** A budget's row; what is not given is that of a daily budget of tenant `acme` of 10 USD. */
export async function makeBudget(url: string, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const row = {
    tenant_id: 'acme',
    id: 'b1',
    name: 'Budget',
    scope: 'tenant',
    period: 'day',
    limit_usd: '10',
    created_at: '2026-01-01T00:00:00Z',
    ...fields,
  };
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  await sql(
    url,
    `INSERT INTO spanmeter.budgets (${names.join(', ')}) VALUES (${places.join(', ')})`,
    Object.values(row),
  );
}

/** States as lines that can be compared: owner, budget, start of the period, spent in 1e-12 USD, unpriced calls. */
export function linesOf(states: readonly BudgetState[]): string[] {
  return states
    .map(({ tenantId, budget, bounds, spentPicoUsd, unpricedCalls }) =>
      [tenantId, budget.id, new Date(bounds.startMs).toISOString(), spentPicoUsd, unpricedCalls].join(' '),
    )
    .toSorted();
}
