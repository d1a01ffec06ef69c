import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { EndedProcess } from '../support/ended-process.ts';
import { startAnthropicStandIn, startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { installSet, setFolder } from '../support/sdk-set.ts';
import { startSink, type OtlpSink, type SinkSpan } from './otlp-sink.ts';
import { runFile } from './set-app.ts';

/** What an app does with its clients, all of which a bundler has put into one minified file. */
const APP = `
import OpenAI from 'openai';
import * as exportsOfOpenai from 'openai';
import Anthropic from '@anthropic-ai/sdk';
import { instrument } from '@spanmeter/instrumentation';
const openai = new OpenAI({ apiKey: 'k', maxRetries: 0, baseURL: process.env.OPENAI_STAND_IN + '/v1' });
const given = {
  none: () => openai,
  client: () => instrument(openai),
  class: () => instrument(OpenAI),
  exports: () => instrument(exportsOfOpenai),
  named: () => instrument(openai, 'openai'),
  wrong: () => instrument(openai, 'anthropic'),
  nothing: () => { for (const odd of [undefined, null, 1, 'x', {}, () => 1, new Proxy({}, { get() { throw new Error('no'); } })]) instrument(odd); },
  often: () => { for (let i = 0; i < 5; i++) instrument(new OpenAI({ apiKey: 'k' })); instrument(OpenAI); },
}[process.env.GIVEN];
const same = given();
console.log(process.env.GIVEN, same === undefined || same === openai || same === OpenAI || same === exportsOfOpenai);
const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] };
console.log((await openai.chat.completions.create(body)).choices[0].message.content);
for await (const _ of await openai.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } }));
await openai.embeddings.create({ model: 'text-embedding-3-small', input: 'hi' });
const anthropic = new Anthropic({ apiKey: 'k', maxRetries: 0, baseURL: process.env.ANTHROPIC_STAND_IN });
if (process.env.GIVEN === 'client') instrument(anthropic);
await anthropic.messages.create({ model: 'claude-stand-in', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] });
`;

interface Esbuild {
  buildSync(options: object): { readonly warnings: readonly unknown[] };
}

describe('clients in a minified bundle', function () {
  let openai: StandIn;
  let anthropic: StandIn;
  let sink: OtlpSink;
  let folder: string;
  let bundle: string;

  before(async () => {
    [openai, anthropic, sink] = await Promise.all([
      startOpenaiStandIn(),
      startAnthropicStandIn(),
      startSink(),
      installSet('bundlers'),
    ]);
    folder = join(setFolder('bundlers'), '.run', randomUUID());
    await mkdir(folder, { recursive: true });
    const entry = join(folder, 'app.mjs');
    bundle = join(folder, 'bundle.mjs');
    await writeFile(entry, APP);
    const esbuild = createRequire(join(setFolder('bundlers'), 'package.json'))('esbuild') as Esbuild;
    esbuild.buildSync({
      entryPoints: [entry],
      outfile: bundle,
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      // The instrumentation stays a package, as serverExternalPackages and the like do it.
      external: ['@spanmeter/instrumentation', '@opentelemetry/*'],
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
    });
  });

  after(async () => {
    await Promise.all([openai.close(), anthropic.close(), sink.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  async function run(
    given: string,
    env: Readonly<Record<string, string>> = {},
    preload = 'register',
  ): Promise<{ result: EndedProcess; spans: SinkSpan[] }> {
    const from = sink.spans.length;
    const result = await runFile(bundle, ['--import', `@spanmeter/instrumentation/${preload}`], {
      GIVEN: given,
      OPENAI_STAND_IN: openai.url,
      ANTHROPIC_STAND_IN: anthropic.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      ...env,
    });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, `${given} true\nA stand-in answers.\n`);
    return { result, spans: sink.spans.slice(from) };
  }

  const ours = (spans: readonly SinkSpan[]): string[] =>
    spans.filter(({ scope }) => scope === '@spanmeter/instrumentation').map(({ name }) => name);

  const ALL = ['chat gpt-4o-mini', 'chat gpt-4o-mini', 'embeddings text-embedding-3-small'];

  it('are not seen by loader hooks: what follows can fail', async () => {
    assert.deepEqual(ours((await run('none')).spans), []);
  });

  for (const given of ['client', 'class', 'exports', 'named', 'often']) {
    it(`are instrumented once by ${given}, with their usage`, async () => {
      const { spans } = await run(given);
      assert.deepEqual(ours(spans), ALL);
      const tokens = spans
        .filter(({ scope }) => scope === '@spanmeter/instrumentation')
        .map(({ attributes }) => attributes['gen_ai.usage.input_tokens']);
      assert.deepEqual(tokens, [8, 8, 1]);
    });
  }

  it("get what an SDK's own spans lack", async () => {
    const { spans } = await run('client');
    const [native] = spans.filter(({ attributes }) => attributes['gen_ai.provider.name'] === 'anthropic');
    assert.equal(native?.scope, 'com.anthropic.sdk.typescript');
    assert.equal(native.attributes['gen_ai.usage.input_tokens'], 8);
  });

  for (const given of ['wrong', 'nothing']) {
    it(`are left as they are by ${given}`, async () => {
      assert.deepEqual(ours((await run(given)).spans), []);
    });
  }

  it('are left as they are where everything is switched off', async () => {
    assert.deepEqual(ours((await run('client', { SPANMETER_ENABLED: 'false' })).spans), []);
  });

  it('are instrumented without any preload, where the app has an SDK of its own', async () => {
    const setup = join(folder, 'setup.mjs');
    await writeFile(
      setup,
      `import { NodeTracerProvider, SimpleSpanProcessor, ConsoleSpanExporter } from '@opentelemetry/sdk-trace-node';
       const exporter = { export(spans, done) { for (const { name, attributes } of spans) process.stderr.write(name + ' ' + attributes['gen_ai.usage.input_tokens'] + '\\n'); done({ code: 0 }); }, shutdown: async () => undefined };
       new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();`,
    );
    const { stderr, code } = await runFile(bundle, ['--import', setup], {
      GIVEN: 'client',
      OPENAI_STAND_IN: openai.url,
      ANTHROPIC_STAND_IN: anthropic.url,
    });
    assert.equal(code, 0, stderr);
    assert.deepEqual(stderr.trim().split('\n').slice(0, 3), [
      'chat gpt-4o-mini 8',
      'chat gpt-4o-mini 8',
      'embeddings text-embedding-3-small 1',
    ]);
  });
});
