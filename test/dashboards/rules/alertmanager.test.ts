import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { REPOSITORY } from '../../support/collector-process.ts';
import { needProgram } from '../../support/programs.ts';
import { startAlertmanager } from '../../support/prometheus.ts';
import type { TestServer } from '../../support/prometheus.ts';
import { until } from '../../support/until.ts';

const FOLDER = join(REPOSITORY, 'dashboards', 'alertmanager');
const NATIVE = join(FOLDER, 'alertmanager.native.yml');
const run = promisify(execFile);

type Labels = Readonly<Record<string, string>>;

async function fire(server: TestServer, alerts: readonly Labels[], annotations: Labels = {}): Promise<void> {
  const answer = await fetch(`${server.url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(alerts.map((labels) => ({ labels, annotations, generatorURL: '' }))),
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** Asserts which alerts are told of; what is fired takes Alertmanager a moment to put together. */
async function assertTold(server: TestServer, wanted: readonly string[]): Promise<void> {
  const deadline = Date.now() + 60_000;
  const told = await until(
    async () => {
      const active = (await server.alerts()).filter(({ state }) => state === 'active');
      const about = (labels: Labels) => labels['threshold'] ?? labels['tenant'] ?? 'all';
      return active.map(({ labels }) => `${labels['alertname']} ${about(labels)}`).toSorted();
    },
    (names) => names.join() === wanted.join() || Date.now() > deadline,
  );
  assert.deepEqual(told, wanted);
}

describe('the configuration of Alertmanager', () => {
  it('loads, the examples of other receivers too', async function () {
    const amtool = await needProgram(this, 'amtool');
    for (const file of ['alertmanager.yml', 'alertmanager.native.yml', 'alertmanager.examples.yml']) {
      await run(amtool, ['check-config', join(FOLDER, file)]);
    }
  });

  const routes: readonly [string, string][] = [
    ['pages', 'alertname=GenAIBudgetExhausted severity=critical tenant=acme'],
    ['pages', 'alertname=GenAICollectorDown severity=critical job=spanmeter'],
    ['tickets', 'alertname=GenAIBudgetExceeded severity=warning tenant=acme budget=default'],
    ['tickets', 'alertname=GenAIUnpricedModel severity=warning provider=openai'],
    ['nobody', 'alertname=GenAINewModelSeen severity=info'],
    ['watchdog', 'alertname=GenAIWatchdog severity=info'],
    ['tickets', 'alertname=SomebodyElses'],
  ];
  for (const [receiver, labels] of routes) {
    it(`sends ${labels} to ${receiver}`, async function () {
      const amtool = await needProgram(this, 'amtool');
      const { stdout } = await run(amtool, [
        'config',
        'routes',
        'test',
        `--config.file=${NATIVE}`,
        ...labels.split(' '),
      ]);
      assert.equal(stdout.trim(), receiver);
    });
  }
});

describe('Alertmanager with our configuration', () => {
  let program = '';
  let server: TestServer | undefined;
  const sink = createServer();
  const messages: { attachments: { title: string; text: string }[] }[] = [];

  before(async function () {
    program = await needProgram(this, 'prometheus-alertmanager');
    sink.on('request', (request, response) => {
      void json(request).then((body) => {
        messages.push(body as (typeof messages)[number]);
        response.end('ok');
      });
    });
    sink.listen(0, '127.0.0.1');
    await once(sink, 'listening');
  });
  beforeEach(async () => {
    messages.length = 0;
    const config = readFileSync(NATIVE, 'utf8').replaceAll(/group_wait: \w+/g, 'group_wait: 100ms');
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
    server = await startAlertmanager({
      program,
      files: { 'alertmanager.yml': config, 'secrets/slack_url': url },
    });
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  after(() => sink.close());

  const budget = (alertname: string, severity: string, more: Labels = {}): Labels => {
    return { alertname, severity, tenant: 'acme', budget: 'b', scope: 'tenant', period: 'day', ...more };
  };

  it('sends one message for one overspend, with the figures and both links', async () => {
    const alert = budget('GenAIBudgetExceeded', 'warning');
    const step = budget('GenAIBudgetThreshold', 'warning', { threshold: '80' });
    await fire(server!, [alert, step, budget('GenAIBudgetForecastOverrun', 'warning')], {
      summary: 'A soft budget is overspent.',
      description: 'Daily cost threshold exceeded: $12.50 > $10.00.',
      dashboard_url: 'http://localhost:3000/d/spanmeter-budgets?var-tenant=acme',
      runbook_url: 'https://example.com/GenAIBudgetExceeded.md',
    });
    // A second alert after it shows that nothing else was on its way.
    await until(
      () => Promise.resolve(messages),
      ({ length }) => length > 0,
    );
    await fire(server!, [budget('GenAIBudgetExhausted', 'critical', { tenant: 'other' })], {
      summary: 'Second.',
    });
    await until(
      () => Promise.resolve(messages),
      ({ length }) => length > 1,
    );
    assert.equal(messages.length, 2);
    const [first, second] = messages.map(({ attachments }) => attachments[0]!);
    assert.equal(first!.title, 'WARNING GenAIBudgetExceeded acme');
    assert.match(first!.text, /Daily cost threshold exceeded: \$12\.50 > \$10\.00\./);
    assert.match(first!.text, /<http:\/\/localhost:3000\/d\/spanmeter-budgets\?var-tenant=acme\|dashboard>/);
    assert.match(first!.text, /<https:\/\/example\.com\/GenAIBudgetExceeded\.md\|runbook>/);
    assert.equal(second!.title, 'CRITICAL GenAIBudgetExhausted other');
  });

  it('keeps quiet of the way to a limit that is exceeded, for that budget alone', async () => {
    await fire(server!, [
      budget('GenAIBudgetExceeded', 'warning'),
      budget('GenAIBudgetThreshold', 'warning', { threshold: '80' }),
      budget('GenAIBudgetThreshold', 'warning', { threshold: '62.5' }),
      budget('GenAIBudgetThreshold', 'warning', { threshold: '150' }),
      budget('GenAIBudgetThreshold', 'warning', { threshold: '50', tenant: 'other' }),
    ]);
    await assertTold(server!, [
      'GenAIBudgetExceeded acme',
      'GenAIBudgetThreshold 150',
      'GenAIBudgetThreshold 50',
    ]);
  });

  it('keeps quiet of a ticket while there is a page about the same budget, but not of what was overspent', async () => {
    await fire(server!, [
      budget('GenAIBudgetBurnFast', 'critical'),
      budget('GenAIBudgetBurnSlow', 'warning'),
      budget('GenAIBudgetForecastOverrun', 'warning'),
      budget('GenAIBudgetForecastOverrun', 'warning', { budget: 'another', tenant: 'acme' }),
      { alertname: 'GenAISpendAnomaly', severity: 'warning', tenant: 'acme', model: 'gpt' },
    ]);
    await assertTold(server!, [
      'GenAIBudgetBurnFast acme',
      'GenAIBudgetForecastOverrun acme',
      'GenAISpendAnomaly acme',
    ]);
  });

  it('tells only of the collector while it is down, and of what its other endpoint still says', async () => {
    await fire(server!, [
      { alertname: 'GenAICollectorDown', severity: 'critical', job: 'spanmeter' },
      { alertname: 'GenAITenantSilent', severity: 'warning', tenant: 'acme' },
      { alertname: 'GenAINoSpansReceived', severity: 'warning', tenant: 'acme' },
      { alertname: 'GenAILedgerWriteFailing', severity: 'critical', exporter: 'postgres' },
      { alertname: 'GenAIQueueNearFull', severity: 'warning' },
      { alertname: 'GenAIDeadLetters', severity: 'warning', reason: 'rejected' },
      { alertname: 'GenAIForwardingDropping', severity: 'warning', exporter: 'otlp_http', reason: 'full' },
      { alertname: 'GenAIWatchdog', severity: 'info' },
    ]);
    await assertTold(server!, [
      'GenAICollectorDown all',
      'GenAIDeadLetters all',
      'GenAIForwardingDropping all',
      'GenAILedgerWriteFailing all',
      'GenAIQueueNearFull all',
      'GenAIWatchdog all',
    ]);
  });

  it('goes on about budgets where only the collector’s own endpoint is not scraped', async () => {
    await fire(server!, [
      { alertname: 'GenAICollectorDown', severity: 'critical', job: 'spanmeter-collector' },
      budget('GenAIBudgetExceeded', 'warning'),
    ]);
    await assertTold(server!, ['GenAIBudgetExceeded acme', 'GenAICollectorDown all']);
  });
});
