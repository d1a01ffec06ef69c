import assert from 'node:assert/strict';
import { Pool } from 'pg';
import { readRecentCalls } from '@spanmeter/collector/dist/service/recent-calls.js';
import { GPT_4O, groupOf, spanOf } from '../../processors/spans.ts';
import { type FreshDatabase, freshDatabase } from '../../support/database.ts';
import { callsOf, LedgerWriter, pricingOf } from '../../support/reprice-lab.ts';

describe('the calls that a restarted collector reads back', () => {
  let database: FreshDatabase;

  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(() => database.drop());

  it('tell all that twins are recognised by, and whose twin each is', async () => {
    const startUnixNano = BigInt(Date.now()) * 1_000_000n;
    const over = { traceId: 'a'.repeat(32), startUnixNano, endUnixNano: startUnixNano + 1_000_000n };
    const outer = spanOf(GPT_4O, { ...over, spanId: '1'.repeat(16) });
    const inner = spanOf(GPT_4O, { ...over, spanId: '2'.repeat(16), parentSpanId: '1'.repeat(16) });
    const calls = callsOf([groupOf([outer, inner], { receivedUnixMs: Date.now() })], pricingOf());
    const ledger = new LedgerWriter(database.url);
    await ledger.write(calls);
    await ledger.close();
    const pool = new Pool({ connectionString: database.url, max: 1 });
    try {
      const recent = await readRecentCalls(pool, 120_000, 10);
      const known = (call: object): object =>
        Object.fromEntries(
          Object.entries(call).filter(([key]) => recent[0] !== undefined && key in recent[0]),
        );
      const bySpan = (a: { spanId: string }, b: { spanId: string }): number => (a.spanId < b.spanId ? -1 : 1);
      assert.deepEqual(recent.toSorted(bySpan).map(known), calls.toSorted(bySpan).map(known));
      assert.deepEqual(
        recent.toSorted(bySpan).map((call) => [call.costStatus, call.provider, call.duplicateOf]),
        [
          ['duplicate', 'openai', '2'.repeat(16)],
          ['priced', 'openai', null],
        ],
      );
    } finally {
      await pool.end();
    }
  });
});
