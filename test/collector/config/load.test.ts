import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatFault } from '@spanmeter/collector/dist/config/fault.js';
import { loadConfig } from '@spanmeter/collector/dist/config/load.js';
import type { Config } from '@spanmeter/collector/dist/config/config.js';
import type { OtlpReceiverOptions } from '@spanmeter/collector/dist/receivers/otlp-options.js';
import { GOOD, REGISTRY } from './stand-ins.ts';

type Env = Record<string, string | undefined>;

function load(texts: string[], sets: string[] = [], env: Env = {}): Config {
  const result = loadConfig(
    texts.map((text) => `yaml:${text}`),
    sets,
    env,
    REGISTRY,
  );
  assert.deepEqual(result.faults ?? [], []);
  return result.config!;
}

function faultsOf(text: string, sets: string[] = [], env: Env = {}): string[] {
  const { faults } = loadConfig([`yaml:${text}`], sets, env, REGISTRY);
  return (faults ?? []).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
}

function otlp(config: Config): OtlpReceiverOptions {
  return config.receivers.get('otlp')!.options as OtlpReceiverOptions;
}

/** GOOD with parts replaced: sections other than those given stay. */
function withParts(parts: {
  receivers?: string;
  processors?: string;
  exporters?: string;
  extensions?: string;
  service?: string;
}): string {
  const section = (name: string, text: string | undefined, usual: string): string =>
    `${name}:\n${text ?? usual}\n`;
  return [
    section('receivers', parts.receivers, '  otlp: {protocols: {grpc: , http: }}'),
    parts.processors === undefined ? '' : section('processors', parts.processors, ''),
    section('exporters', parts.exporters, '  debug:'),
    parts.extensions === undefined ? '' : section('extensions', parts.extensions, ''),
    section('service', parts.service, '  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}'),
  ].join('');
}

const PRICED = '  gen_ai_normalizer:\n  tenant:\n  cost:';

describe('a configuration', () => {
  it('is read with the defaults of every option', () => {
    const config = load([GOOD]);
    const { protocols, max_in_flight_size } = otlp(config);
    assert.equal(protocols.grpc?.endpoint, '127.0.0.1:4317');
    assert.equal(protocols.http?.endpoint, '127.0.0.1:4318');
    assert.equal(protocols.http?.max_request_body_size, 64 * 1024 * 1024);
    assert.equal(protocols.http?.read_timeout, 60_000);
    assert.equal(max_in_flight_size, 256 * 1024 * 1024);
    assert.deepEqual(config.service.pipelines, [
      { id: 'traces', receivers: ['otlp'], processors: [], exporters: ['debug'] },
    ]);
    assert.equal(config.service.telemetry.metrics.address, '127.0.0.1:8888');
  });

  it('speaks only the protocols that are written', () => {
    const { protocols } = otlp(load([withParts({ receivers: '  otlp: {protocols: {http: {}}}' })]));
    assert.equal(protocols.grpc, undefined);
    assert.equal(protocols.http?.endpoint, '127.0.0.1:4318');
  });

  it('takes deprecated names of types, says so, and keeps the id', () => {
    const config = load([
      withParts({
        processors: PRICED,
        exporters: '  otlphttp/backend: {endpoint: "http://127.0.0.1:1"}',
        service:
          '  pipelines: {traces: {receivers: [otlp], processors: [gen_ai_normalizer, tenant, cost], exporters: [otlphttp/backend]}}',
      }),
    ]);
    assert.equal(config.exporters.get('otlphttp/backend')?.type.type, 'otlp_http');
    assert.match(config.warnings.join(), /"otlphttp" alias is deprecated; use "otlp_http" instead/);
  });

  it('merges maps, replaces lists, and empties by null', () => {
    const config = load([
      withParts({
        receivers: '  otlp: {protocols: {http: {max_connections: 5, cors: {allowed_origins: [a, b]}}}}',
      }),
      'receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:1", cors: {allowed_origins: [c]}}}}}',
    ]);
    assert.equal(otlp(config).protocols.http?.endpoint, '127.0.0.1:1');
    assert.equal(otlp(config).protocols.http?.max_connections, 5);
    assert.deepEqual(otlp(config).protocols.http?.cors?.allowed_origins, ['c']);
    const emptied = load([
      withParts({ exporters: '  debug: {verbosity: detailed}' }),
      'exporters: {debug: }',
    ]);
    assert.deepEqual(emptied.exporters.get('debug')?.options, { verbosity: 'basic' });
  });

  it('takes --set last, reads its value as YAML, and a::b paths in a source', () => {
    const config = load(
      [GOOD, 'receivers::otlp::protocols::http::max_connections: 7'],
      ['receivers.otlp.max_in_flight_size=1MiB', 'receivers.otlp.protocols.http.cors.allowed_origins=[x, y]'],
    );
    assert.equal(otlp(config).max_in_flight_size, 1024 * 1024);
    assert.equal(otlp(config).protocols.http?.max_connections, 7);
    assert.deepEqual(otlp(config).protocols.http?.cors?.allowed_origins, ['x', 'y']);
  });

  it('keeps the text of a variable where the option is text, and its value where it is not', () => {
    const config = load(
      [
        withParts({
          processors: PRICED,
          exporters: '  postgres: {pin: "${env:PIN}", ready: "${env:READY}", url: "${env:URL}"}',
          service:
            '  pipelines: {traces: {receivers: [otlp], processors: [gen_ai_normalizer, tenant, cost], exporters: [postgres]}}',
        }),
      ],
      [],
      { PIN: '0123', READY: 'false', URL: '12' },
    );
    const { pin, ready, url } = config.exporters.get('postgres')!.options as {
      pin: string;
      ready: boolean;
      url: { reveal(): string };
    };
    assert.deepEqual([pin, ready, url.reveal()], ['0123', false, '12']);
  });

  it('takes the default, with a warning, where a variable is unset', () => {
    const config = load([
      withParts({ receivers: '  otlp: {protocols: {http: {endpoint: "${env:NOWHERE}"}}}' }),
    ]);
    assert.equal(otlp(config).protocols.http?.endpoint, '127.0.0.1:4318');
    assert.match(config.warnings.join(), /NOWHERE/);
  });

  it('reads anchors, aliases and merge keys', () => {
    const config = load([
      withParts({
        receivers:
          '  otlp: {protocols: {http: &h {max_connections: 9}}}\n  otlp/two: {protocols: {http: {<<: *h, endpoint: "127.0.0.1:9"}}}',
      }),
    ]);
    const two = config.receivers.get('otlp/two')!.options as OtlpReceiverOptions;
    assert.equal(two.protocols.http?.max_connections, 9);
  });

  it('reads env: and file sources, and names a source that is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'spanmeter-load-'));
    try {
      const file = join(folder, 'c.yaml');
      writeFileSync(file, GOOD);
      assert.equal(
        loadConfig([file, `file:${file}`, 'env:MORE'], [], { MORE: 'exporters: {debug: {}}' }, REGISTRY)
          .faults,
        undefined,
      );
      const { faults } = loadConfig(
        [join(folder, 'none.yaml'), 'env:UNSET', 'http://x/c.yaml'],
        ['x'],
        {},
        REGISTRY,
      );
      assert.deepEqual(
        (faults ?? []).map((fault) => formatFault(fault).replace(folder, '')),
        [
          '/none.yaml: no such file',
          'env:UNSET: this environment variable is not set',
          'http://x/c.yaml: scheme "http" is not supported: give a file, env: or yaml:',
          '--set x: expected a.b=value',
        ],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const service = (pipelines: string, extensions = '[]'): string =>
  `  extensions: ${extensions}\n  pipelines: ${pipelines}`;
const FULL = '{receivers: [otlp], processors: [gen_ai_normalizer, tenant, cost], exporters: [postgres]}';

const FAULTS: readonly [title: string, text: string, faults: readonly (string | RegExp)[]][] = [
  ['nothing at all', '', ['empty configuration']],
  ['a list at the top', '[a]', ['expected a map of sections such as receivers and service']],
  [
    'no sections',
    'service: {}',
    [
      'receivers: no receiver configuration specified in config',
      'exporters: no exporter configuration specified in config',
      'service::pipelines: service must have at least one pipeline',
    ],
  ],
  ['an unknown section', `${GOOD}\nfoo: 1`, [/^has invalid keys: foo \(valid keys/]],
  ['connectors', `${GOOD}\nconnectors: {forward: }`, ['connectors: this version has no connectors']],
  [
    'an unknown type',
    withParts({ processors: '  x:' }),
    [
      `processors::x: 'processors' unknown type: "x" for id: "x" (valid values: [batch cost gen_ai_normalizer memory_limiter tenant])`,
    ],
  ],
  [
    'types that this version lacks',
    withParts({ processors: '  redact:', exporters: '  debug:\n  otlp/x: {endpoint: a}\n  otlp_grpc:' }),
    [
      /^processors::redact: 'processors' the type "redact" is not in this version/,
      /^exporters::otlp\/x: 'exporters' the type "otlp" is not in this version/,
      /^exporters::otlp_grpc: 'exporters' the type "otlp_grpc" is not in this version/,
    ],
  ],
  [
    'a name that is empty',
    withParts({ exporters: '  debug:\n  debug/:' }),
    [/in "debug\/" id: the part after \/ should not be empty/],
  ],
  [
    'a type that cannot be one',
    withParts({ exporters: '  debug:\n  1a:' }),
    [/invalid character\(s\) in type "1a"/],
  ],
  [
    'a name with a symbol',
    withParts({ exporters: '  debug:\n  debug/a b:' }),
    [/invalid character\(s\) in name "a b"/],
  ],
  [
    'a receiver without protocols',
    withParts({ receivers: '  otlp: {protocols: {}}' }),
    ['receivers::otlp::protocols: must specify at least one protocol when using the OTLP receiver'],
  ],
  [
    'a receiver without options',
    withParts({ receivers: '  otlp:' }),
    ['receivers::otlp::protocols: is required'],
  ],
  [
    'options that do not exist',
    withParts({ receivers: '  otlp: {protocols: {http: {endpont: x, tls: y}}}' }),
    ['receivers::otlp::protocols::http: has invalid keys: endpont, tls'],
  ],
  [
    'an endpoint that is none',
    withParts({ receivers: '  otlp: {protocols: {http: {endpoint: localhost}}}' }),
    ['receivers::otlp::protocols::http::endpoint: expected host:port, such as 127.0.0.1:4317 or [::1]:4317'],
  ],
  [
    'a duration without a unit',
    withParts({ receivers: '  otlp: {protocols: {http: {read_timeout: 5}}}' }),
    ['receivers::otlp::protocols::http::read_timeout: expected a duration such as 200ms, 5s or 1h30m'],
  ],
  [
    'a size that is none',
    withParts({ receivers: '  otlp: {max_in_flight_size: 5MB, protocols: {http: }}' }),
    ['receivers::otlp::max_in_flight_size: expected a size such as 67108864 or 64MiB'],
  ],
  [
    'a union that fits nowhere',
    withParts({ exporters: '  debug:\n  otlp_http: {endpoint: a, size: [1]}' }),
    ['exporters::otlp_http::size: expected number or string'],
  ],
  [
    'references to nothing',
    withParts({
      service: service('{traces: {receivers: [otlp, a], processors: [b], exporters: [debug, c]}}', '[d]'),
    }),
    [
      'service::extensions: references extension "d" which is not configured',
      'service::pipelines::traces: references receiver "a" which is not configured',
      'service::pipelines::traces: references processor "b" which is not configured',
      'service::pipelines::traces: references exporter "c" which is not configured',
    ],
  ],
  [
    'a component named twice',
    withParts({ service: service('{traces: {receivers: [otlp], exporters: [debug, debug]}}') }),
    ['service::pipelines::traces: references exporter "debug" multiple times'],
  ],
  [
    'an empty pipeline',
    withParts({ service: service('{traces: }') }),
    [
      'service::pipelines::traces: must have at least one receiver',
      'service::pipelines::traces: must have at least one exporter',
    ],
  ],
  [
    'pipelines of other signals',
    withParts({
      service: service(
        '{traces: {receivers: [otlp], exporters: [debug]}, logs: {receivers: [otlp], exporters: [debug]}, metrics/x: , spans: }',
      ),
    }),
    [
      /^service::pipelines::logs: this version has no logs pipelines, since it stores spans only: remove this one/,
      /^service::pipelines::metrics\/x: this version has no metrics pipelines/,
      'service::pipelines::spans: unknown signal "spans" (valid values: [traces])',
    ],
  ],
  [
    'two traces pipelines',
    withParts({
      service: service(
        '{traces: {receivers: [otlp], exporters: [debug]}, traces/2: {receivers: [otlp], exporters: [debug]}}',
      ),
    }),
    [/^service::pipelines::traces\/2: this version runs one traces pipeline/],
  ],
  [
    'prometheus without postgres',
    withParts({
      exporters: '  prometheus:',
      service: service('{traces: {receivers: [otlp], exporters: [prometheus]}}'),
    }),
    [
      /^service::pipelines::traces::exporters: the prometheus exporter counts what the postgres exporter has committed/,
    ],
  ],
  [
    'alerts without postgres',
    withParts({
      exporters: '  debug:',
      extensions: '  alerts:',
      service: service('{traces: {receivers: [otlp], exporters: [debug]}}', '[alerts]'),
    }),
    [/^service::extensions: the alerts extension keeps alerts in PostgreSQL: add the postgres exporter/],
  ],
  [
    'postgres without pricing',
    withParts({
      exporters: '  postgres:',
      service: service('{traces: {receivers: [otlp], exporters: [postgres]}}'),
    }),
    [
      /^service::pipelines::traces::processors: the postgres exporter needs gen_ai_normalizer, tenant, cost once each and in this order; the pipeline has none of them/,
    ],
  ],
  [
    'pricing in another order',
    withParts({
      processors: PRICED,
      exporters: '  otlp_http: {endpoint: a}',
      service: service(
        '{traces: {receivers: [otlp], processors: [cost, tenant, gen_ai_normalizer], exporters: [otlp_http]}}',
      ),
    }),
    [/the otlp_http exporter needs .* the pipeline has cost, tenant, gen_ai_normalizer/],
  ],
  [
    'OTLP and API off loopback without keys',
    withParts({
      receivers: '  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: ":4318"}}}',
      extensions: '  api: {endpoint: "[::]:8080"}',
      service: service('{traces: {receivers: [otlp], exporters: [debug]}}', '[api]'),
    }),
    [
      /^receivers::otlp::protocols::grpc::endpoint: "0.0.0.0:4317" can be reached from other machines.*add api_key_auth to service::extensions/,
      /^receivers::otlp::protocols::http::endpoint: ":4318" can be reached/,
      /^extensions::api::endpoint: "\[::\]:8080" can be reached/,
    ],
  ],
  [
    'spend shown off loopback',
    withParts({
      processors: PRICED,
      exporters: '  postgres:\n  prometheus: {endpoint: "0.0.0.0:8889"}',
      service: service(`{traces: ${FULL.replace('[postgres]', '[postgres, prometheus]')}}`),
    }),
    [/^exporters::prometheus::endpoint: "0.0.0.0:8889" can be reached.*or write insecure: true/],
  ],
  [
    'an unreadable variable name',
    withParts({ exporters: '  debug: {verbosity: "${env:a b}"}' }),
    [/^exporters::debug::verbosity: environment variable "a b" has invalid name/],
  ],
];

describe('a faulty configuration', () => {
  for (const [title, text, expected] of FAULTS) {
    it(`is refused for ${title}`, () => {
      const faults = faultsOf(text);
      assert.equal(faults.length, expected.length, faults.join('\n'));
      expected.forEach((one, at) => {
        if (typeof one === 'string') assert.equal(faults[at], one);
        else assert.match(faults[at]!, one);
      });
    });
  }

  it('reports every fault at once, with source and line', () => {
    const text =
      'receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint: nowhere\nexporters:\n  x:\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters:\n        - debug\n    logs:\n';
    const { faults } = loadConfig([`yaml:${text}`], [], {}, REGISTRY);
    assert.deepEqual(
      (faults ?? []).map(({ path, source, line }) => [path, source, line]),
      [
        ['receivers::otlp::protocols::http::endpoint', 'yaml', 5],
        ['exporters::x', 'yaml', 7],
        ['service::pipelines::traces', 'yaml', 13],
        ['service::pipelines::logs', 'yaml', 14],
      ],
    );
  });

  it('may listen anywhere with api_key_auth, and show spend with auth or insecure', () => {
    const text = (prometheus: string): string =>
      withParts({
        receivers: '  otlp: {protocols: {http: {endpoint: "0.0.0.0:4318"}}}',
        processors: PRICED,
        exporters: `  postgres:\n  prometheus: {endpoint: "0.0.0.0:8889", ${prometheus}}`,
        extensions: '  api_key_auth:',
        service: service(
          `{traces: ${FULL.replace('[postgres]', '[postgres, prometheus]')}}`,
          '[api_key_auth]',
        ),
      });
    assert.deepEqual(faultsOf(text('insecure: true')), []);
    assert.deepEqual(faultsOf(text('auth: {bearer_token: t}')), []);
  });

  it('may hold components off loopback that no pipeline uses', () => {
    assert.deepEqual(
      faultsOf(
        withParts({
          receivers: '  otlp: {protocols: {http: }}\n  otlp/x: {protocols: {http: {endpoint: "0.0.0.0:1"}}}',
        }),
      ),
      [],
    );
  });

  it('names the line of YAML that cannot be read', () => {
    const { faults } = loadConfig(['yaml:a: 1\nb: [\nc: 2\n'], [], {}, REGISTRY);
    assert.equal(faults?.length, 1);
    assert.equal(faults?.[0]?.line, 3);
    assert.match(faults?.[0]?.message ?? '', /^not readable as YAML/);
  });

  it('refuses a key that is written twice', () => {
    assert.match(faultsOf('a: 1\na: 2').join(), /keys must be unique/);
  });

  it('refuses aliases that multiply, deep nesting and huge text without using memory for them', () => {
    let bomb = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
    for (let i = 1; i < 12; i++)
      bomb += `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    assert.match(faultsOf(bomb).join(), /more than 20000 values/);
    assert.match(faultsOf(`a: ${'['.repeat(200)}${']'.repeat(200)}`).join(), /nested deeper than 64 levels/);
    assert.match(faultsOf(`a: ${'['.repeat(5000)}`).join(), /nested deeper|not readable/);
    assert.match(faultsOf(`a: "${'x'.repeat(1024 * 1024)}"`).join(), /larger than 1048576 bytes/);
    assert.match(faultsOf('a: &a [*a]').join(), /not readable|nested deeper|more than|Unresolved/);
  });

  it('cannot reach the prototype of objects', () => {
    assert.match(faultsOf(`${GOOD}\n__proto__: {polluted: 1}`).join(), /has invalid keys: __proto__/);
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });
});
