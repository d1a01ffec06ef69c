import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Command } from 'commander';
import { parse } from 'yaml';
import { listComponents } from '@spanmeter/collector/dist/cli/components.js';
import { printConfig } from '@spanmeter/collector/dist/cli/print-config.js';
import { addStartOptions, startOptions } from '@spanmeter/collector/dist/cli/start-options.js';
import { validate } from '@spanmeter/collector/dist/cli/validate.js';
import { Secret } from '@spanmeter/collector/dist/pipeline/secret.js';
import { GOOD, REGISTRY } from '../config/stand-ins.ts';

interface Printed {
  receivers: { otlp: { max_in_flight_size: number; protocols: { http: { read_timeout: string } } } };
  exporters: Record<string, { timeout?: string }>;
  service: { pipelines: { traces: { exporters: string[] } } };
}

const PRICED = `
processors: {gen_ai_normalizer: , tenant: , cost: }
exporters:
  postgres: {url: "\${env:URL}"}
  otlp_http/x: {endpoint: "https://user:hunter2@example.com/v1", headers: {x-token: hunter2}}
service:
  pipelines:
    traces: {processors: [gen_ai_normalizer, tenant, cost], exporters: [postgres, otlp_http/x]}
`;

describe('spanmeter validate', () => {
  it('says so and exits 0 where nothing is wrong', async () => {
    assert.deepEqual(await validate({ config: [`yaml:${GOOD}`], set: [] }, {}, REGISTRY), {
      text: 'the configuration is valid',
      exitCode: 0,
    });
  });

  it('lists every fault with its place and exits 2', async () => {
    const result = await validate(
      { config: [`yaml:${GOOD}`], set: ['exporters.x=', 'service.extensions=[y]'] },
      {},
      REGISTRY,
    );
    assert.equal(result.exitCode, 2);
    assert.match(result.text, /^the configuration has 2 faults:\n/);
    assert.match(result.text, /--set exporters.x:1: exporters::x: 'exporters' unknown type: "x" for id: "x"/);
    assert.match(result.text, /service::extensions: references extension "y" which is not configured/);
  });
});

describe('spanmeter print-config', () => {
  const options = {
    config: [`yaml:${GOOD}`, `yaml:${PRICED}`],
    set: ['receivers.otlp.max_in_flight_size=32MiB'],
  };
  const env = { URL: 'postgres://u:hunter2@db/x' };

  it('shows what was merged with every default, in the form of the file', () => {
    const printed = parse(printConfig(options, env, REGISTRY).text) as Printed;
    assert.equal(printed.receivers.otlp.protocols.http.read_timeout, '1m');
    assert.equal(printed.receivers.otlp.max_in_flight_size, 32 * 1024 * 1024);
    assert.equal(printed.exporters['otlp_http/x']?.timeout, '30s');
    assert.deepEqual(printed.service.pipelines.traces.exporters, ['postgres', 'otlp_http/x']);
  });

  it('can be read again', async () => {
    const { text } = printConfig(options, env, REGISTRY);
    assert.equal(
      (await validate({ config: [`yaml:${text}`], set: [] }, {}, REGISTRY)).text,
      'the configuration is valid',
    );
  });

  it('shows no secret, as YAML or JSON', () => {
    for (const format of ['yaml', 'json'] as const) {
      const { text, exitCode } = printConfig({ ...options, format }, env, REGISTRY);
      assert.equal(exitCode, 0);
      assert.ok(!text.includes('hunter2'), text);
      assert.ok(text.includes('[REDACTED]'));
    }
  });

  it('lists the faults of a configuration that has some', () => {
    assert.equal(printConfig({ config: ['yaml:{}'], set: [] }, {}, REGISTRY).exitCode, 2);
  });
});

describe('spanmeter components', () => {
  it('lists every component by kind with its deprecated names', () => {
    const listed = parse(listComponents('1.2.3', REGISTRY).text) as Record<
      string,
      { name: string; deprecated_aliases?: string[] }[]
    >;
    assert.deepEqual(
      listed['receivers']?.map(({ name }) => name),
      ['otlp'],
    );
    assert.deepEqual(listed['exporters']?.find(({ name }) => name === 'otlp_http')?.deprecated_aliases, [
      'otlphttp',
    ]);
  });
});

describe('the options of a start', () => {
  it('are repeatable, and fall back to otel-config.yaml', () => {
    const command = addStartOptions(new Command()).exitOverride();
    command.parse(['--config', 'a.yaml', '--set', 'x=1', '--config=b.yaml', '--set', 'y=2'], {
      from: 'user',
    });
    assert.deepEqual(startOptions(command.opts(), '.'), {
      config: ['a.yaml', 'b.yaml'],
      set: ['x=1', 'y=2'],
    });
    assert.match(startOptions({}, '/nowhere').config[0]!, /otel-config\.yaml$/);
  });
});

describe('a secret', () => {
  it('shows itself in no form but revealed', () => {
    const secret = new Secret('hunter2');
    const shown = [String(secret), JSON.stringify({ secret }), inspect(secret), inspect({ a: { secret } })];
    for (const text of shown) {
      assert.ok(!text.includes('hunter2'));
      assert.ok(text.includes('[REDACTED]'));
    }
    assert.equal(secret.reveal(), 'hunter2');
  });
});
