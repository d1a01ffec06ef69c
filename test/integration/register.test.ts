import assert from 'node:assert/strict';
import { runApp, type AppOptions } from '../instrumentation/run-app.ts';
import type { EndedProcess } from '../support/ended-process.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { query } from '../support/query.ts';
import { until } from '../support/until.ts';

const FIVE_LINES = `
import OpenAI from 'openai';
const client = new OpenAI();
const messages = [{ role: 'user', content: 'hi' }];
await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
`;

const FIFTY = `
import OpenAI from 'openai';
const client = new OpenAI();
const request = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] };
await Promise.all(Array.from({ length: 50 }, () => client.chat.completions.create(request)));
console.log('asked');
setInterval(() => {}, 1000);
`;

describe('calls of an app under register, beside a running collector', function () {
  this.timeout(120_000);
  let collector: CollectorProcess;
  let openai: StandIn;

  before(async () => {
    [collector, openai] = await Promise.all([startCollector(), startOpenaiStandIn()]);
  });

  after(() => Promise.all([collector.dispose(), openai.close()]));

  const run = (tenant: string, code: string, onOutput?: AppOptions['onOutput']): Promise<EndedProcess> =>
    runApp({
      code,
      env: {
        OPENAI_BASE_URL: `${openai.url}/v1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.ports.http}`,
        OTEL_RESOURCE_ATTRIBUTES: `tenant.id=${tenant}`,
      },
      ...(onOutput === undefined ? {} : { onOutput }),
    });

  const stored = async (tenant: string, wanted: number): Promise<string[]> => {
    const text = 'SELECT cost_status AS status FROM spanmeter.calls WHERE tenant_id = $1';
    const rows = await until(
      () => query<{ status: string }>(collector.databaseUrl(), text, [tenant]),
      (found) => found.length >= wanted,
    );
    return rows.map(({ status }) => status);
  };

  it('are in PostgreSQL, of a script of five lines that ends at once', async () => {
    const { code, stdout, stderr } = await run('five-lines', FIVE_LINES);
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
    assert.deepEqual(await stored('five-lines', 1), ['priced']);
  });

  it('are in PostgreSQL, fifty of an app that goes on', async () => {
    let tookMs = Number.NaN;
    const { signal } = await run('fifty', FIFTY, (_, child) => {
      const asked = performance.now();
      void stored('fifty', 50).then(() => {
        tookMs = performance.now() - asked;
        child.kill('SIGKILL');
      });
    });
    assert.equal(signal, 'SIGKILL');
    assert.deepEqual(
      await stored('fifty', 50),
      Array.from({ length: 50 }, () => 'priced'),
    );
    console.log(`      fifty calls: stored ${Math.round(tookMs)} ms after they were asked for`);
  });
});
