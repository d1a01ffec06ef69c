import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadConfig } from '@spanmeter/collector/dist/config/load.js';
import { parse } from 'yaml';
import { REGISTRY } from './stand-ins.ts';

const FILE = fileURLToPath(new URL('../../../../otel-config.yaml', import.meta.url));
/** Options of other folders' components are those components' own matter here. */
const LOOSE = REGISTRY.map((one) =>
  ['otlp', 'memory_limiter', 'batch'].includes(one.type) ? one : { ...one, options: z.looseObject({}) },
);

const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  SPANMETER_OTLP_GRPC_ENDPOINT: ['receivers', 'otlp', 'protocols', 'grpc', 'endpoint'],
  SPANMETER_OTLP_HTTP_ENDPOINT: ['receivers', 'otlp', 'protocols', 'http', 'endpoint'],
  SPANMETER_API_ENDPOINT: ['extensions', 'api', 'endpoint'],
  SPANMETER_PROMETHEUS_ENDPOINT: ['exporters', 'prometheus', 'endpoint'],
};

describe('otel-config.yaml', () => {
  it('has no fault', () => {
    const { config, faults } = loadConfig([FILE], [], {}, LOOSE);
    assert.deepEqual(faults ?? [], []);
    assert.deepEqual(config?.warnings, []);
    assert.equal(config?.service.telemetry.metrics.address, '127.0.0.1:8888');
  });

  it('writes the defaults of the components', () => {
    const written = loadConfig([FILE], [], {}, LOOSE).config;
    for (const [section, id] of [
      ['receivers', 'otlp'],
      ['processors', 'memory_limiter'],
    ] as const) {
      const { type, options } = written![section].get(id)!;
      const bare = id === 'otlp' ? { protocols: { grpc: null, http: null } } : {};
      assert.deepEqual(options, type.options.parse(bare));
    }
  });

  it('moves each endpoint by its variable, and keeps it on loopback without keys', () => {
    for (const [variable, path] of Object.entries(VARIABLES)) {
      const { faults } = loadConfig([FILE], [], { [variable]: '0.0.0.0:9' }, LOOSE);
      assert.deepEqual(
        faults?.map((fault) => fault.path),
        [path.join('::')],
      );
      assert.match(faults?.[0]?.message ?? '', /^"0.0.0.0:9" can be reached from other machines/);
      assert.equal(typeof faults?.[0]?.line, 'number');
    }
    const { config } = loadConfig([FILE], [], { SPANMETER_TELEMETRY_ENDPOINT: '127.0.0.1:9' }, LOOSE);
    assert.equal(config?.service.telemetry.metrics.address, '127.0.0.1:9');
  });

  it('stays without a fault where the marks are taken away from its examples', () => {
    const text = readFileSync(FILE, 'utf8').replaceAll(/^( +)# ((?:otlp_http|api_key_auth|  ).*)$/gm, '$1$2');
    const { exporters, extensions } = parse(text) as Record<string, Record<string, unknown>>;
    assert.ok('otlp_http/traces' in exporters!);
    assert.ok('api_key_auth' in extensions!);
    const sets = [
      'service.pipelines.traces.exporters=[postgres, prometheus, otlp_http/traces]',
      'service.extensions=[journal, health_check, api, api_key_auth]',
    ];
    const env = { SPANMETER_OTLP_HTTP_ENDPOINT: '0.0.0.0:4318', TRACES_TOKEN: 't' };
    assert.deepEqual(loadConfig([`yaml:${text}`], sets, env, LOOSE).faults ?? [], []);
  });
});
