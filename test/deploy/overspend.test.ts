import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { REPOSITORY } from '../support/collector-process.ts';
import { freePorts } from '../support/free-port.ts';
import { bearer } from '../support/keyed-collector.ts';
import { buildTracesJson } from '../support/otlp-json.ts';
import { needProgram } from '../support/programs.ts';
import { startAlertmanager, startPrometheus } from '../support/prometheus.ts';
import type { TestPrometheus, TestServer } from '../support/prometheus.ts';
import { startNativeStack, type NativeStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

interface Message {
  readonly atMs: number;
  readonly title: string;
  readonly text: string;
}

interface RuleGroup {
  readonly name: string;
  readonly lastEvaluation: string;
  readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
}

const shipped = (path: string): string => readFileSync(join(REPOSITORY, 'dashboards', path), 'utf8');

const BUDGET_RULES = 'spanmeter-budgets';
/** USD per million output tokens of claude-haiku-4-5 (Anthropic's price page). */
const USD_PER_MILLION = 5;

function isForecast(name: string | undefined): boolean {
  return name?.includes('GenAIBudgetForecast') === true;
}

describe('an overspend, from a call to a message, through the files of the stack', function () {
  const messages: Message[] = [];
  const sink = createServer((request, response) => {
    void json(request).then((body) => {
      const { attachments } = body as { attachments: { title: string; text: string }[] };
      for (const { title, text } of attachments) messages.push({ atMs: Date.now(), title, text });
      response.end('ok');
    });
  });
  let stack: NativeStack;
  let alertmanager: TestServer | undefined;
  let prometheus: TestPrometheus | undefined;

  before(async function () {
    const programs = [
      await needProgram(this, 'prometheus'),
      await needProgram(this, 'prometheus-alertmanager'),
    ];
    stack = await startNativeStack();
    sink.listen(0, '127.0.0.1');
    await once(sink, 'listening');
    const [port = 0] = await freePorts(1);
    alertmanager = await startAlertmanager({
      program: programs[1]!,
      port,
      files: {
        // Only places and how long it waits differ from what the containers read.
        'alertmanager.yml': shipped('alertmanager/alertmanager.yml')
          .replaceAll('/etc/alertmanager/', '')
          .replaceAll(/group_wait: \w+/g, 'group_wait: 100ms'),
        'secrets/slack_url': `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`,
      },
    });
    const { ports } = stack.collector;
    const files = readdirSync(join(REPOSITORY, 'dashboards', 'rules')).map((name) => [
      `rules/${name}`,
      shipped(`rules/${name}`),
    ]);
    prometheus = await startPrometheus({
      program: programs[0]!,
      files: {
        'prometheus.yml': shipped('prometheus/prometheus.yml')
          .replace('collector:8889', `127.0.0.1:${ports.prometheus}`)
          .replace('collector:8888', `127.0.0.1:${ports.telemetry}`)
          .replace('alertmanager:9093', `127.0.0.1:${port}`)
          .replace('/etc/prometheus/rules', 'rules')
          .replace('/run/secrets/spanmeter', join(stack.secrets, 'prometheus'))
          .replaceAll('15s', '1s')
          .replace('10s', '1s'),
        ...Object.fromEntries(files),
      },
    });
    await until(
      () => prometheus!.query('up'),
      (samples) => samples.length === 2 && samples.every(({ value }) => value === 1),
    );
  });

  after(async () => {
    await prometheus?.stop();
    await alertmanager?.stop();
    await stack?.dispose();
    sink.close();
  });

  /** Spends exactly so many USD; resolves once the collector has acknowledged the call. */
  async function spend(tenant: string, usd: number): Promise<void> {
    const endUnixNano = BigInt(Date.now()) * 1_000_000n;
    const span = {
      traceId: randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      name: 'chat claude-haiku-4-5',
      startUnixNano: endUnixNano - 1_000_000_000n,
      endUnixNano,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.request.model': 'claude-haiku-4-5',
        'gen_ai.usage.input_tokens': 0,
        'gen_ai.usage.output_tokens': (usd * 1_000_000) / USD_PER_MILLION,
      },
    };
    const resource = { 'service.name': 'bot', 'tenant.id': tenant };
    const response = await fetch(`http://127.0.0.1:${stack.collector.ports.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(stack.gatewayKey) },
      body: buildTracesJson([{ resource, spans: [span] }]),
    });
    assert.equal(response.status, 200, await response.text());
  }

  const rules = async (): Promise<RuleGroup[]> =>
    ((await prometheus!.get('rules')) as { groups: RuleGroup[] }).groups;
  // Late in the day what is spent already may well be forecast to overrun, which is another alert's matter.
  const about = (tenant: string): Message[] =>
    messages.filter(({ text, title }) => text.includes(`Tenant ${tenant},`) && !isForecast(title));

  it('tells of $11 on a budget of $10 once, and not of $9, of $10 exactly or of other tenants', async () => {
    await spend('nine', 9);
    await spend('ten', 10);
    const sentMs = Date.now();
    await spend('eleven', 11);
    const isFiring = async (): Promise<boolean> =>
      (await prometheus!.alerts()).some(
        ({ labels, state }) =>
          labels['alertname'] === 'GenAIBudgetExceeded' &&
          labels['tenant'] === 'eleven' &&
          state === 'firing',
      );
    await until(isFiring, Boolean);
    const firedMs = Date.now();
    await until(
      () => Promise.resolve(about('eleven')),
      (found) => found.length > 0,
    );
    const [message] = about('eleven');
    assert.match(message?.title ?? '', /^WARNING GenAIBudgetExceeded eleven/);
    assert.match(message?.text ?? '', /Daily cost threshold exceeded: \$11\.00 > \$10\.00/);
    console.log(
      `      call acknowledged at 0 s, firing after ${(firedMs - sentMs) / 1000} s, ` +
        `message after ${((message?.atMs ?? 0) - sentMs) / 1000} s`,
    );
    // More of the same, and the others have been looked at since: their figures are in Prometheus.
    await spend('eleven', 1);
    const spent = (tenant: string) => prometheus!.query(`genai_budget_spent_usd{tenant="${tenant}"}`);
    for (const [tenant, usd] of [
      ['eleven', 12],
      ['nine', 9],
      ['ten', 10],
    ] as const) {
      await until(
        () => spent(tenant),
        ([sample]) => sample?.value === usd,
      );
    }
    // The rules of budgets have been evaluated since on what is there now.
    const seenMs = Date.now();
    await until(rules, (groups) =>
      groups.some(({ name, lastEvaluation }) => name === BUDGET_RULES && Date.parse(lastEvaluation) > seenMs),
    );
    const firing = (await prometheus!.alerts()).filter(
      ({ labels }) => labels['alertname']?.startsWith('GenAIBudget') && !isForecast(labels['alertname']),
    );
    assert.deepEqual(
      firing.map(({ labels }) => [labels['alertname'], labels['tenant']]),
      [['GenAIBudgetExceeded', 'eleven']],
    );
    assert.equal(about('eleven').length, 1);
    assert.deepEqual([...about('nine'), ...about('ten')], []);
  });

  it('shows every rule healthy on the metrics of a real collector', async () => {
    const all = (await rules()).flatMap((group) => group.rules);
    assert.ok(all.length > 40);
    assert.deepEqual(
      all.filter(({ health }) => health === 'err').map(({ name, lastError }) => [name, lastError]),
      [],
    );
  });
});
