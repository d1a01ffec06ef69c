import { needProgram } from '../../support/programs.ts';
import { sql } from '../../support/database.ts';
import { seedStack, type SeededStack } from './seed.ts';
import { isBillable } from './oracle.ts';

describe('try', function () {
  this.timeout(120_000);
  let stack: SeededStack;
  before(async function () {
    console.time('seed');
    stack = await seedStack({ prometheus: await needProgram(this, 'prometheus') });
    console.timeEnd('seed');
  });
  after(() => stack.dispose());
  it('x', async () => {
    const rows = await sql<Record<string, string>>(
      stack.database.url,
      `SELECT cost_status, count(*), sum(cost_usd)::text as cost FROM spanmeter.calls GROUP BY 1 ORDER BY 1`,
    );
    for (const row of rows) {
      const mine = stack.sent.where((c) => c.status === row['cost_status']);
      console.log(JSON.stringify(row), mine.calls.length, mine.usd, mine.cost);
    }
    const models = await sql<Record<string, string>>(
      stack.database.url,
      `SELECT provider, model, cost_status, count(*)::int, sum(cost_usd)::text as cost FROM spanmeter.calls GROUP BY 1,2,3 ORDER BY 1,2,3`,
    );
    for (const row of models) {
      const mine = stack.sent.where(
        (c) => c.status === row['cost_status'] && c.model === row['model'] && c.provider === row['provider'],
      );
      if (mine.calls.length !== Number(row['count']) || Math.abs(mine.usd - Number(row['cost'] ?? 0)) > 1e-9)
        console.log('DIFF', JSON.stringify(row), mine.calls.length, mine.usd);
    }
    for (const q of [
      'sum(increase(genai_calls_total[1m]))',
      'sum(genai_calls_total)',
      'sum(increase(genai_cost_usd_total[1m]))',
      'sum(increase(genai_late_cost_usd_total[1m]))',
      'count(genai_budget_limit_usd)',
    ])
      console.log(q, JSON.stringify(await stack.prometheus.query(q)));
    console.log(stack.live.where(isBillable).count, stack.live.usd, stack.sent.count);
    console.log(
      JSON.stringify(
        await sql(
          stack.database.url,
          `SELECT cost_status, error_type, usage, attributes, conditions from spanmeter.calls where cost_status='unpriced_model' and provider<>'in_house' limit 3`,
        ),
      ),
    );
  });
});
