import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { REPOSITORY } from '../../support/collector-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { needProgram } from '../../support/programs.ts';
import { startAlertmanager, startPrometheus } from '../../support/prometheus.ts';
import type { TestPrometheus, TestServer } from '../../support/prometheus.ts';
import { until } from '../../support/until.ts';

function shipped(path: string): string {
  return readFileSync(join(REPOSITORY, 'dashboards', path), 'utf8');
}

/** What a collector serves of a tenant's default budget of $10. */
function budgetOf(tenant: string, spent: number): string {
  const labels = `tenant="${tenant}",budget="default",scope="tenant",scope_value="",period="day"`;
  const midnight = Math.floor(Date.now() / 86_400_000) * 86_400;
  const steps = [50, 80, 100].map(
    (step) => `genai_budget_step_usd{${labels},threshold="${step}"} ${step / 10}`,
  );
  return [
    `genai_budget_limit_usd{${labels}} 10`,
    `genai_budget_spent_usd{${labels}} ${spent}`,
    `genai_budget_hard{${labels}} 0`,
    `genai_budget_period_start_timestamp_seconds{${labels}} ${midnight}`,
    `genai_budget_period_end_timestamp_seconds{${labels}} ${midnight + 86_400}`,
    ...steps,
    '',
  ].join('\n');
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a budget that Prometheus scrapes', function () {
  const messages: { attachments: { title: string; text: string }[] }[] = [];
  const spent = new Map<string, number>();
  const exporter = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(Array.from(spent, ([tenant, usd]) => budgetOf(tenant, usd)).join(''));
  });
  const own = createServer((_request, response) => response.end('otelcol_process_uptime 1\n'));
  const sink = createServer((request, response) => {
    void json(request).then((body) => {
      messages.push(body as (typeof messages)[number]);
      response.end('ok');
    });
  });
  let alertmanager: TestServer | undefined;
  let prometheus: TestPrometheus | undefined;

  before(async function () {
    const programs = [
      await needProgram(this, 'prometheus'),
      await needProgram(this, 'prometheus-alertmanager'),
    ];
    const [metrics, collector, webhook] = await Promise.all([exporter, own, sink].map(listen));
    const [port = 0] = await freePorts(1);
    alertmanager = await startAlertmanager({
      program: programs[1]!,
      port,
      files: {
        'alertmanager.yml': shipped('alertmanager/alertmanager.native.yml').replaceAll(
          /group_wait: \w+/g,
          'group_wait: 100ms',
        ),
        'secrets/slack_url': `http://${webhook}/`,
      },
    });
    prometheus = await startPrometheus({
      program: programs[0]!,
      files: {
        'prometheus/prometheus.yml': shipped('prometheus/prometheus.native.yml')
          .replaceAll(/((scrape|evaluation)_(interval|timeout)): \w+/g, '$1: 1s')
          .replace('127.0.0.1:8889', metrics!)
          .replace('127.0.0.1:8888', collector!)
          .replace('127.0.0.1:9093', `127.0.0.1:${port}`),
        ...Object.fromEntries(
          ['spanmeter.recording.yml', 'spanmeter.alerts.yml'].map((file) => {
            return [`rules/${file}`, shipped(`rules/${file}`).replaceAll(/interval: \w+/g, 'interval: 1s')];
          }),
        ),
      },
    });
  });
  after(async () => {
    await Promise.all([prometheus?.stop(), alertmanager?.stop()]);
    for (const server of [exporter, own, sink]) server.close();
  });

  it('is told of once when it is overspent, with its figures, and not at $9, at exactly $10 or for others', async () => {
    for (const [tenant, usd] of [
      ['acme', 11],
      ['thrifty', 4.5],
      ['exact', 10],
      ['warned', 9],
    ] as const) {
      spent.set(tenant, usd);
    }
    const exceeded = () => messages.filter(({ attachments }) => attachments[0]!.title.includes('Exceeded'));
    await until(
      () => Promise.resolve(exceeded()),
      ({ length }) => length > 0,
    );
    await until(
      () => Promise.resolve(messages),
      ({ length }) => length >= 3,
    );
    const titles = messages.map(({ attachments }) => attachments[0]!.title).toSorted();
    assert.deepEqual(titles, [
      'WARNING GenAIBudgetExceeded acme',
      'WARNING GenAIBudgetThreshold exact',
      'WARNING GenAIBudgetThreshold warned',
    ]);
    const [{ attachments } = { attachments: [] }] = exceeded();
    assert.match(attachments[0]!.text, /Daily cost threshold exceeded: \$11\.00 > \$10\.00\./);
  });

  it('leaves every rule of the files without a fault', async () => {
    type Rule = { name: string; health: string; lastError?: string };
    const rules = await until(
      async () => {
        const { groups } = (await prometheus!.get('rules')) as { groups: { rules: Rule[] }[] };
        return groups.flatMap((group) => group.rules);
      },
      (all) => all.every(({ health }) => health !== 'unknown'),
    );
    assert.equal(rules.length, 58);
    assert.deepEqual(
      rules.filter(({ health }) => health !== 'ok'),
      [],
    );
  });
});
