import assert from 'node:assert/strict';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { startSink, type OtlpSink } from './otlp-sink.ts';
import { runApp, type AppOptions } from './run-app.ts';

const KEY = Symbol.for('opentelemetry.js.api.1');

interface Shared {
  claim(start: () => void): string | undefined;
  adopt(copy: unknown, version: string): void;
}

/** The package exports only what apps need. */
const MODULE = new URL('../../../instrumentation/dist/shared-api.js', import.meta.url).href;
const { SharedApi } = (await import(MODULE)) as { readonly SharedApi: new () => Shared };

type Globals = Record<symbol, Record<string, unknown> | undefined>;

/** A copy of the API of some version, with the rules of its `registerGlobal` and `getGlobal`. */
class Copy {
  readonly trace = { setGlobalTracerProvider: (it: unknown) => this.#register('trace', it) };
  readonly context = { setGlobalContextManager: (it: unknown) => this.#register('context', it) };
  readonly metrics = { setGlobalMeterProvider: (it: unknown) => this.#register('metrics', it) };
  readonly diag = { setLogger: (it: unknown) => this.#register('diag', it, true) };
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  #register(kind: string, instance: unknown, override = false): boolean {
    const globals = globalThis as unknown as Globals;
    const shared = (globals[KEY] ??= { version: this.#version });
    if ((!override && shared[kind] !== undefined) || shared['version'] !== this.#version) return false;
    shared[kind] = instance;
    return true;
  }

  read(kind: string): unknown {
    const shared = (globalThis as unknown as Globals)[KEY];
    const minor = (version: unknown): number => Number(String(version).split('.')[1]);
    return shared !== undefined && minor(this.#version) <= minor(shared['version'])
      ? shared[kind]
      : undefined;
  }
}

describe('what register puts into the shared OpenTelemetry API', () => {
  let before: Record<string, unknown> | undefined;
  let ours: Copy;
  let shared: Shared;

  beforeEach(() => {
    before = (globalThis as unknown as Globals)[KEY];
    (globalThis as unknown as Globals)[KEY] = undefined;
    ours = new Copy('1.9.1');
    shared = new SharedApi();
    shared.claim(() => {
      ours.trace.setGlobalTracerProvider('our provider');
      ours.context.setGlobalContextManager('our manager');
    });
    shared.adopt(ours, '1.9.1');
  });

  afterEach(() => {
    (globalThis as unknown as Globals)[KEY] = before;
  });

  const seen = (copy: Copy): unknown[] => [copy.read('trace'), copy.read('context')];

  for (const version of ['1.8.0', '1.9.1', '1.10.0']) {
    it(`is seen by a copy of ${version}, and gives way to what that copy registers`, () => {
      const theirs = new Copy(version);
      shared.adopt(theirs, version);
      assert.deepEqual(seen(theirs), ['our provider', 'our manager']);
      assert.equal(theirs.trace.setGlobalTracerProvider('their provider'), true);
      assert.equal(theirs.context.setGlobalContextManager('their manager'), true);
      assert.deepEqual(seen(theirs), ['their provider', 'their manager']);
      assert.deepEqual(seen(ours), ['their provider', 'their manager']);
    });

    it(`does not stand in the way of the metrics and the logger of a copy of ${version}`, () => {
      const theirs = new Copy(version);
      shared.adopt(theirs, version);
      assert.equal(theirs.metrics.setGlobalMeterProvider('their meters'), true);
      assert.equal(theirs.diag.setLogger('their logger'), true);
      assert.deepEqual(
        [...seen(theirs), theirs.read('metrics')],
        ['our provider', 'our manager', 'their meters'],
      );
      assert.deepEqual([...seen(ours), ours.read('diag')], ['our provider', 'our manager', 'their logger']);
    });
  }

  it('gives way once: what the app has registered itself stays, as without us', () => {
    const theirs = new Copy('1.10.0');
    shared.adopt(theirs, '1.10.0');
    assert.equal(theirs.trace.setGlobalTracerProvider('their provider'), true);
    assert.equal(theirs.trace.setGlobalTracerProvider('another'), false);
    assert.equal(ours.trace.setGlobalTracerProvider('ours again'), false);
    assert.equal(theirs.read('trace'), 'their provider');
  });
});

const CALLS = `
import { trace } from '@opentelemetry/api';
import OpenAI from 'openai';
import { NodeTracerProvider, SimpleSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
const client = new OpenAI();
const ask = (model) => trace.getTracer('app').startActiveSpan('work', async (span) => {
  await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] });
  span.end();
});
const exporter = new InMemorySpanExporter();
const start = () => new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
const show = () => console.log(JSON.stringify(exporter.getFinishedSpans().map((span) => span.name)));
`;

describe('register before an SDK that the app starts later', () => {
  let openai: StandIn;
  let sink: OtlpSink;

  before(async () => {
    [openai, sink] = await Promise.all([startOpenaiStandIn(), startSink()]);
  });

  after(async () => {
    await Promise.all([openai.close(), sink.close()]);
  });

  const run = async (code: string, more: Partial<AppOptions> = {}): Promise<string> => {
    sink.spans.length = 0;
    sink.bodies.length = 0;
    const result = await runApp({
      code,
      ...more,
      env: { OPENAI_BASE_URL: `${openai.url}/v1`, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, ...more.env },
    });
    assert.deepEqual([result.stderr, result.code], ['', 0]);
    return result.stdout;
  };

  it('leaves everything to it', async () => {
    assert.equal(await run(`${CALLS} start(); await ask('gpt-4o'); show();`), '["chat gpt-4o","work"]\n');
    assert.equal(sink.bodies.length, 0);
  });

  it('delivers what came before it, and nothing twice', async () => {
    const shown = await run(`${CALLS} await ask('gpt-4o'); start(); await ask('gpt-4o-mini'); show();`);
    assert.equal(shown, '["chat gpt-4o-mini","work"]\n');
    assert.deepEqual(
      sink.spans.map((span) => span.name),
      ['chat gpt-4o', 'work'],
    );
  });

  it('loads nothing and registers nothing when switched off', async () => {
    const code = `
      const loaded = Object.keys(require.cache).filter((file) => /opentelemetry|in-the-middle/.test(file));
      console.log(loaded.length, Symbol.for('opentelemetry.js.api.1') in globalThis, process.listenerCount('SIGTERM'));`;
    for (const [name, value] of [
      ['SPANMETER_ENABLED', 'false'],
      ['OTEL_SDK_DISABLED', 'true'],
    ] as const) {
      for (const entry of ['register', 'hook'] as const) {
        const bare = await run(code, { format: 'cjs', preload: 'none' });
        assert.equal(await run(code, { format: 'cjs', entry, env: { [name]: value } }), bare);
      }
    }
  });
});
