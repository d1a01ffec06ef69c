import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { CHAT_COST, chatSpan } from '../support/chat-span.ts';
import { pickPorts, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { buildTraces, type BuilderSpan } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { query } from '../support/query.ts';
import { settled } from '../support/running-collector.ts';
import { useTempDir } from '../support/temp-dir.ts';

const SUM = `SELECT count(*)::int AS spans, coalesce(sum(cost_usd), 0)::text AS cost,
  (SELECT sum(cost_usd)::text FROM spanmeter.spend_rollup) AS rollup,
  count(*) FILTER (WHERE cost_status = 'duplicate')::int AS duplicates FROM spanmeter.calls`;

async function send(collector: CollectorProcess, span: BuilderSpan): Promise<void> {
  const answer = await postOtlp(collector.ports.http, { body: buildTraces([{ spans: [span] }]) });
  assert.equal(answer.status, 200);
}

/** A framework's span and the SDK's inside it. */
function nested(): { readonly outer: BuilderSpan; readonly inner: BuilderSpan } {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { outer: chatSpan({ traceId, spanId }), inner: chatSpan({ traceId, parentSpanId: spanId }) };
}

describe('spans of one call that come with different requests', function () {
  const dataDir = useTempDir();

  it('are billed once, also where the collector was killed between them', async () => {
    const ports = await pickPorts();
    const first = nested();
    const second = nested();
    let collector = await startCollector({ dataDir: dataDir.path, ports });
    try {
      await send(collector, first.inner);
      await settled(collector);
      await send(collector, first.outer);
      await send(collector, second.inner);
      await settled(collector);
      await collector.end('SIGKILL');
      await collector.dispose();
      collector = await startCollector({ dataDir: dataDir.path, ports });
      await send(collector, second.outer);
      // What a new process counts starts at 0, so the rows tell.
      const rows = await settledRows(collector, 4);
      const twice = (2n * BigInt(CHAT_COST.replace('.', ''))).toString().padStart(13, '0');
      const expected = `${twice.slice(0, -12)}.${twice.slice(-12)}`;
      assert.deepEqual(rows, { spans: 4, cost: expected, rollup: expected, duplicates: 2 });
    } finally {
      await collector.dispose();
    }
  });
});

async function settledRows(collector: CollectorProcess, spans: number): Promise<object | undefined> {
  await settled(collector);
  for (;;) {
    const [row] = await query<{ spans: number }>(collector.databaseUrl(), SUM);
    if (row !== undefined && row.spans >= spans) return row;
  }
}
