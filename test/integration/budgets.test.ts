import assert from 'node:assert/strict';
import type { BudgetStatus } from '@spanmeter/collector/dist/budgets/budget-status.js';
import { chatSpan } from '../support/chat-span.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { valueOf } from '../support/exposition-parser.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { genAiMetrics, getApi, settled, spanmeterBeside } from '../support/running-collector.ts';
import { useTempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

interface Status {
  readonly budgets: readonly BudgetStatus[];
}

async function send(collector: CollectorProcess, tenant: string, calls: number): Promise<void> {
  const spans = Array.from({ length: calls }, () => chatSpan({ attributes: { 'tenant.id': tenant } }));
  const answer = await postOtlp(collector.ports.http, { body: buildTraces([{ spans }]) });
  assert.equal(answer.status, 200);
}

/** The default budget of a tenant, once the collector has read the spend. */
async function defaultOf(collector: CollectorProcess, tenant: string): Promise<BudgetStatus | undefined> {
  const url = `http://127.0.0.1:${collector.ports.api}/api/v1/budgets/status`;
  await until(
    () => fetch(url),
    ({ status }) => status === 200,
  );
  const { budgets } = await getApi<Status>(collector, `/api/v1/budgets/status?tenant=${tenant}`);
  return budgets.find(({ id }) => id === 'default');
}

describe('budgets of a running collector', function () {
  const dataDir = useTempDir();

  it('say right after a commit what was spent, and the same after a kill and a restart', async () => {
    let collector = await startCollector({ dataDir: dataDir.path });
    try {
      await defaultOf(collector, 'acme');
      await send(collector, 'acme', 3000);
      await send(collector, 'other', 1);
      await settled(collector);
      const status = await defaultOf(collector, 'acme');
      // 3,000 calls of 0.0035 USD.
      assert.equal(status?.spent_usd, '10.500000000000');
      assert.equal(status.level, 'exceeded');
      assert.equal((await defaultOf(collector, 'other'))?.spent_usd, '0.003500000000');
      const families = await genAiMetrics(collector);
      assert.equal(valueOf(families, 'genai_budget_spent_usd', { tenant: 'acme' }), 10.5);
      assert.equal(valueOf(families, 'genai_budget_limit_usd', { tenant: 'acme' }), 10);
      const capacity = await until(
        async () => (await genAiMetrics(collector)).get('genai_database_capacity_bytes')?.samples ?? [],
        (samples) => samples.length > 0,
      );
      assert.ok((capacity[0]?.value ?? 0) > 1e6);

      await collector.end('SIGKILL');
      await collector.dispose();
      collector = await startCollector({ dataDir: dataDir.path });
      assert.equal((await defaultOf(collector, 'acme'))?.spent_usd, '10.500000000000');
      await until(
        async () =>
          (await genAiMetrics(collector)).get('genai_tenant_last_call_timestamp_seconds')?.samples ?? [],
        (samples) => samples.length === 2,
      );
      const check = await spanmeterBeside(collector, 'budget', 'check');
      assert.equal(check.code, 0, check.stdout + check.stderr);
      const shown = await spanmeterBeside(
        collector,
        'budget',
        'status',
        '--tenant',
        'acme',
        '--format',
        'json',
      );
      assert.equal(JSON.parse(shown.stdout).budgets[0].spent_usd, '10.500000000000');
    } finally {
      await collector.dispose();
    }
  });
});
