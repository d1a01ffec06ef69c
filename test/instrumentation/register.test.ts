import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import type { EndedProcess } from '../support/ended-process.ts';
import { startAnthropicStandIn, startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { until } from '../support/until.ts';
import { startSink, type OtlpSink } from './otlp-sink.ts';
import { runApp, type AppOptions } from './run-app.ts';

const FIVE_LINES = `
import OpenAI from 'openai';
const client = new OpenAI();
const answer = await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] });
console.log(answer.choices[0].message.content);
`;

const FIVE_LINES_CJS = `
const OpenAI = require('openai');
const client = new OpenAI();
client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] })
  .then((answer) => console.log(answer.choices[0].message.content));
`;

describe('register', () => {
  let openai: StandIn;
  let anthropic: StandIn;
  let sink: OtlpSink;

  beforeEach(async () => {
    [openai, anthropic, sink] = await Promise.all([
      startOpenaiStandIn(),
      startAnthropicStandIn(),
      startSink(),
    ]);
  });

  afterEach(async () => {
    await Promise.all([openai.close(), anthropic.close(), sink.close()]);
  });

  const run = (options: AppOptions): Promise<EndedProcess> =>
    runApp({
      ...options,
      env: {
        OPENAI_BASE_URL: `${openai.url}/v1`,
        ANTHROPIC_BASE_URL: anthropic.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        ...options.env,
      },
    });

  for (const preload of ['import', 'require'] as const) {
    for (const format of ['esm', 'cjs'] as const) {
      it(`delivers the span of a five-line ${format} script under --${preload}, and prints nothing`, async () => {
        const code = format === 'esm' ? FIVE_LINES : FIVE_LINES_CJS;
        const result = await run({ code, format, preload });
        assert.equal(result.stderr, '');
        assert.equal(result.stdout, 'A stand-in answers.\n');
        assert.equal(result.code, 0);
        assert.deepEqual(
          sink.spans.map((span) => span.name),
          ['chat gpt-4o'],
        );
      });
    }
  }

  it('sends protobuf unless told otherwise', async () => {
    await run({ code: FIVE_LINES, env: { OTEL_EXPORTER_OTLP_PROTOCOL: '' } });
    assert.deepEqual(
      sink.bodies.map(({ contentType }) => contentType),
      ['application/x-protobuf'],
    );
    assert.ok(sink.bodies[0]?.body.includes('gen_ai.usage.input_tokens'));
  });

  it('puts the ratio of a sampler on the calls that it keeps', async () => {
    const sampler = {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.999999999',
    };
    await run({ code: FIVE_LINES, env: sampler });
    assert.equal(sink.spans[0]?.attributes['spanmeter.sampling.ratio'], 0.999999999);
  });

  it('says once of a version that it does not know that it leaves it alone', async () => {
    const code = `
      import { createRequire } from 'node:module';
      import { mkdirSync, writeFileSync } from 'node:fs';
      import { diag } from '@opentelemetry/api';
      diag.setLogger({ warn: console.log, error: console.log, info() {}, debug() {}, verbose() {} });
      const folder = new URL('./node_modules/openai/', import.meta.url);
      mkdirSync(folder, { recursive: true });
      writeFileSync(new URL('package.json', folder), '{ "name": "openai", "version": "99.1.0", "main": "index.js" }');
      writeFileSync(new URL('index.js', folder), 'exports.OpenAI = class {};');
      createRequire(import.meta.url)('openai');
      await import('openai');`;
    const { stdout } = await runApp({ code, entry: 'hook' });
    assert.match(stdout, /^spanmeter: openai@99\.1\.0 is not instrumented; known versions: >=4.*\n$/);
  });

  it('names the call as the conventions do, with counts equal to what was served', async () => {
    const usage = { input: 450, cacheRead: 200, output: 180, reasoning: 60, audioInput: 3, audioOutput: 4 };
    await run({
      code: `
        import OpenAI from 'openai';
        await new OpenAI().chat.completions.create(
          { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], max_completion_tokens: 900, temperature: 0.5 },
          { headers: { 'x-stand-in': ${JSON.stringify(JSON.stringify({ usage, serviceTier: 'priority' }))} } },
        );`,
    });
    const [span] = sink.spans;
    assert.ok(span);
    assert.equal(span.kind, 3);
    assert.equal(span.statusCode, 0);
    assert.equal(span.scope, '@spanmeter/instrumentation');
    assert.deepEqual(span.attributes, {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.request.max_tokens': 900,
      'gen_ai.request.temperature': 0.5,
      'openai.api.type': 'chat_completions',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(openai.url).port),
      'gen_ai.response.id': 'chatcmpl-1',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 650,
      'gen_ai.usage.output_tokens': 180,
      'gen_ai.usage.cache_read.input_tokens': 200,
      'gen_ai.usage.reasoning.output_tokens': 60,
      'gen_ai.usage.audio.input_tokens': 3,
      'gen_ai.usage.audio.output_tokens': 4,
      'openai.response.service_tier': 'priority',
      'openai.response.system_fingerprint': 'fp_stand_in',
    });
    assert.equal(span.resource['service.name'], 'test-app');
  });

  it('adds the former names beside the current ones when asked to', async () => {
    await run({ code: FIVE_LINES, env: { OTEL_SEMCONV_STABILITY_OPT_IN: 'http,gen_ai/dup' } });
    assert.equal(sink.spans[0]?.attributes['gen_ai.system'], 'openai');
    assert.equal(sink.spans[0]?.attributes['gen_ai.provider.name'], 'openai');
  });

  it('sends fifty calls at once, while the app goes on', async () => {
    const result = await run({
      code: `
        import OpenAI from 'openai';
        const client = new OpenAI();
        const messages = [{ role: 'user', content: 'hi' }];
        await Promise.all(Array.from({ length: 50 }, () => client.chat.completions.create({ model: 'gpt-4o', messages })));
        console.log('asked');
        setInterval(() => {}, 1000);`,
      // Only the count can make it leave.
      env: { OTEL_BSP_SCHEDULE_DELAY: '600000' },
      onOutput: (_, child) => {
        void until(
          () => Promise.resolve(sink.spans.length),
          (count) => count === 50,
        ).then(() => child.kill('SIGKILL'));
      },
    });
    assert.equal(result.signal, 'SIGKILL');
    assert.equal(sink.bodies.length, 1);
  });

  it('takes size and delay of batches from OTEL_BSP_*', async () => {
    const code = `
      import OpenAI from 'openai';
      const client = new OpenAI();
      const messages = [{ role: 'user', content: 'hi' }];
      for (let each = 0; each < 6; each += 1) await client.chat.completions.create({ model: 'gpt-4o', messages });`;
    await run({ code, env: { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3', OTEL_BSP_SCHEDULE_DELAY: '600000' } });
    assert.equal(sink.spans.length, 6);
    assert.equal(sink.bodies.length, 2);
  });

  it('makes a request of what fills a small queue, while the app goes on', async () => {
    const code = `
      import OpenAI from 'openai';
      const client = new OpenAI();
      const messages = [{ role: 'user', content: 'hi' }];
      await Promise.all([1, 2].map(() => client.chat.completions.create({ model: 'gpt-4o', messages })));
      console.log('asked');
      setInterval(() => {}, 1000);`;
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '2', OTEL_BSP_SCHEDULE_DELAY: '600000' };
    const onOutput = (_: string, child: ChildProcess): void => {
      const arrived = until(
        () => Promise.resolve(sink.spans.length),
        (count) => count === 2,
      );
      void arrived.then(() => child.kill('SIGKILL'));
    };
    await run({ code, env, onOutput });
    assert.equal(sink.spans.length, 2);
  });

  it('has sent metrics and events too when flush() is over', async () => {
    const code = `${FIVE_LINES}
      import { flush } from '@spanmeter/instrumentation';
      await flush();
      process.kill(process.pid, 'SIGKILL');`;
    const env = {
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'EVENT_ONLY',
    };
    await run({ code, env });
    for (const told of ['gen_ai.client.token.usage', 'gen_ai.client.inference.operation.details']) {
      assert.ok(
        sink.bodies.some(({ body }) => body.includes(told)),
        told,
      );
    }
    assert.equal(sink.spans.length, 1);
  });

  it('ends with sizes that are no whole numbers, and without', async () => {
    for (const size of ['0.5', 'x']) {
      const env = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: size, OTEL_BSP_MAX_QUEUE_SIZE: size };
      const from = sink.spans.length;
      // An event loop that is held up cannot end itself.
      const onOutput = (_: string, child: ChildProcess): void =>
        void setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
      const result = await run({ code: FIVE_LINES, env, onOutput });
      assert.equal(result.code, 0, size);
      assert.equal(sink.spans.length - from, 1, size);
    }
  });

  it('leaves the environment as it is, whichever SDK it starts', async () => {
    for (const env of [{}, { OTEL_PROPAGATORS: 'tracecontext' }, { OTEL_METRICS_EXPORTER: 'none ' }]) {
      const code = `${FIVE_LINES}
        console.log(JSON.stringify([process.env.OTEL_METRICS_EXPORTER, process.env.OTEL_LOGS_EXPORTER]));`;
      const from = sink.bodies.length;
      const { stdout } = await run({ code, env });
      const metrics = 'OTEL_METRICS_EXPORTER' in env ? '"none "' : 'null';
      assert.equal(stdout, `A stand-in answers.\n[${metrics},null]\n`);
      assert.equal(sink.bodies.length - from, 1);
    }
  });

  it('delivers the calls of a short script where the console is to have them too', async () => {
    const { stdout } = await run({ code: FIVE_LINES, env: { OTEL_TRACES_EXPORTER: ' otlp, console' } });
    assert.match(stdout, /name: 'chat gpt-4o'/);
    assert.deepEqual(
      sink.spans.map(({ name }) => name),
      ['chat gpt-4o'],
    );
  });

  it('has nothing to do with timers that the app puts in the place of those of Node', async () => {
    const code = `
      import OpenAI from 'openai';
      const waiting = [];
      const real = { setTimeout, setInterval };
      for (const name of Object.keys(real)) {
        globalThis[name] = (_, delayMs) => ({ id: waiting.push([name, delayMs]), ref: () => 0, unref: () => 0 });
      }
      const fetch = async () => Response.json({ id: '1', choices: [], usage: {} });
      const client = new OpenAI({ fetch });
      for (let call = 0; call < 3; call += 1) {
        await client.chat.completions.create({ model: 'gpt-4o', messages: [] });
      }
      Object.assign(globalThis, real);
      console.log(JSON.stringify(waiting));
      await client.chat.completions.create({ model: 'gpt-4o', messages: [] });
      STAY`;
    const bare = await run({ code: code.replace('STAY', ''), preload: 'none' });
    // Killed, so that nothing is delivered at its end.
    const { stdout, signal } = await run({
      code: code.replace('STAY', 'setInterval(() => {}, 1000)'),
      onOutput: (_, child) => {
        void until(
          () => Promise.resolve(sink.spans.length),
          (count) => count === 4,
        ).then(() => child.kill('SIGKILL'));
      },
    });
    assert.deepEqual([stdout, signal], [bare.stdout, 'SIGKILL']);
    assert.match(stdout, /setTimeout/, 'the SDK has timers of its own');
  });

  it('says what became of spans where OTEL_LOG_LEVEL asks for it, and nothing more', async () => {
    sink.status = 400;
    for (const [level, expected] of [
      ['WARN', /^spanmeter: spans are lost: HTTP 400\n$/],
      ['error', /^$/],
      ['toString', /^$/],
    ] as const) {
      const { stdout, stderr } = await run({ code: FIVE_LINES, env: { OTEL_LOG_LEVEL: level } });
      assert.equal(stdout, 'A stand-in answers.\n');
      assert.match(stderr, expected);
    }
  });

  it('leaves the diagnostic log to an app that has one, without a word', async () => {
    sink.status = 400;
    const code = `
      import { diag } from '@opentelemetry/api';
      const say = (message) => console.log(message);
      diag.setLogger({ error: say, warn: say, info() {}, debug() {}, verbose() {} });
      ${FIVE_LINES}`;
    const { stdout, stderr } = await run({ code, env: { OTEL_LOG_LEVEL: 'info' } });
    assert.deepEqual([stdout, stderr], ['A stand-in answers.\nspanmeter: spans are lost: HTTP 400\n', '']);
  });

  it('does nothing at all when switched off', async () => {
    const result = await run({ code: FIVE_LINES, env: { SPANMETER_ENABLED: 'false' } });
    assert.equal(result.stdout, 'A stand-in answers.\n');
    assert.equal(sink.bodies.length, 0);
  });

  it('sends the same requests as the bare app', async () => {
    const code = `
      import OpenAI from 'openai';
      import Anthropic from '@anthropic-ai/sdk';
      const openai = new OpenAI();
      const messages = [{ role: 'user', content: 'hi' }];
      for await (const chunk of await openai.chat.completions.create({ model: 'gpt-4o', messages, stream: true }));
      await openai.embeddings.create({ model: 'text-embedding-3-large', input: 'hi' });
      await new Anthropic().messages.create({ model: 'claude-haiku-4-5', max_tokens: 9, messages });
    `;
    await run({ code, preload: 'none' });
    await run({ code });
    const seen = [...openai.ledger.requests, ...anthropic.ledger.requests].map(({ path, body, headers }) => {
      const { 'x-stainless-retry-count': retries, traceparent, baggage } = headers;
      return JSON.stringify({
        path,
        body,
        names: Object.keys(headers).toSorted(),
        retries,
        traceparent,
        baggage,
      });
    });
    assert.equal(seen.length, 6);
    assert.deepEqual(seen.slice(0, 2), seen.slice(2, 4));
    assert.equal(seen[4], seen[5]);
  });

  it('attributes calls to tenant, team, user, session and feature', async () => {
    await run({
      code: `
        import OpenAI from 'openai';
        import Anthropic from '@anthropic-ai/sdk';
        import { withAttribution, recordCall } from '@spanmeter/instrumentation';
        const messages = [{ role: 'user', content: 'hi' }];
        await withAttribution({ tenant: 'acme', team: 'search', feature: 'outer' }, () =>
          withAttribution({ user: 'u1', session: 's1', feature: 'inner' }, async () => {
            await new OpenAI().chat.completions.create({ model: 'gpt-4o', messages });
            await new Anthropic().messages.create({ model: 'claude-haiku-4-5', max_tokens: 9, messages });
            recordCall({ provider: 'cohere', model: 'command-r', inputTokens: 5, outputTokens: 6 });
          }));
      `,
    });
    const attributed = {
      'tenant.id': 'acme',
      'team.id': 'search',
      'user.id': 'u1',
      'session.id': 's1',
      'spanmeter.feature': 'inner',
    };
    assert.equal(sink.spans.length, 3);
    for (const span of sink.spans) {
      const found = Object.fromEntries(Object.keys(attributed).map((key) => [key, span.attributes[key]]));
      assert.deepEqual(found, attributed, span.name);
    }
  });
});
