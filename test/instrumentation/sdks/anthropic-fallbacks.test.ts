import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { SdkInstrumentation } from '@spanmeter/instrumentation';
import { instrumentationFile } from '../../support/instrumentation-source.ts';
import { installSet, setFolder } from '../../support/sdk-set.ts';

type Adapter = ConstructorParameters<typeof SdkInstrumentation>[0];
interface Sdk {
  readonly Anthropic: new (options: object) => {
    readonly beta: { readonly messages: { create(body: object): Promise<AsyncIterable<unknown>> } };
  };
  readonly betaRefusalFallbackMiddleware: (fallbacks: readonly object[], options: object) => unknown;
}

const { anthropic } = await instrumentationFile<{ readonly anthropic: Adapter }>('sdks/anthropic.js');

const FIRST = 'claude-fable-5';
const SECOND = 'claude-opus-4-8';

interface Answer {
  readonly text?: string;
  readonly refusal?: string;
  readonly usage: Readonly<Record<string, unknown>>;
}

/** An answer as the API streams it, where requests count themselves as their one iteration. */
function eventsOf(model: string, { text, refusal, usage }: Answer): string {
  const stop_details =
    refusal === undefined
      ? null
      : {
          type: 'refusal',
          category: refusal,
          fallback_credit_token: 'credit',
          fallback_has_prefill_claim: text !== undefined,
        };
  const delta = { stop_reason: refusal === undefined ? 'end_turn' : 'refusal', stop_details };
  const start = { id: `msg_${model}`, type: 'message', role: 'assistant', model, content: [] };
  const events = [
    { type: 'message_start', message: { ...start, usage: { ...usage, output_tokens: 1 } } },
    ...(text === undefined
      ? []
      : [
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
          { type: 'content_block_stop', index: 0 },
        ]),
    {
      type: 'message_delta',
      delta,
      usage: { ...usage, cache_creation: undefined, iterations: [{ ...usage, type: 'message' }] },
    },
    { type: 'message_stop' },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

/** Model, input, output and cache writes for an hour of every call that is told; models without answer refuse requests. */
async function told(answers: Readonly<Record<string, Answer>>): Promise<unknown[]> {
  const set = 'anthropic-current';
  await installSet(set);
  const load = createRequire(join(setFolder(set), 'app.cjs'));
  const { Anthropic, betaRefusalFallbackMiddleware } = load('@anthropic-ai/sdk') as Sdk;
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const fetch = (_: unknown, { body }: { readonly body: string }): Response => {
    const { model } = JSON.parse(body) as { readonly model: string };
    const answer = answers[model];
    if (answer === undefined) return Response.json({ type: 'error', error: {} }, { status: 400 });
    return new Response(eventsOf(model, answer), { headers: { 'content-type': 'text/event-stream' } });
  };
  const client = new Anthropic({
    apiKey: 'test',
    baseURL: 'http://127.0.0.1',
    fetch,
    openTelemetry: { tracerProvider },
    middleware: [betaRefusalFallbackMiddleware([{ model: SECOND }], { onError: () => undefined })],
    logLevel: 'off',
  });
  const instrumentation = new SdkInstrumentation(anthropic);
  try {
    instrumentation.setTracerProvider(tracerProvider);
    assert.equal(instrumentation.instrumentClient(client), true);
    const body = {
      model: FIRST,
      max_tokens: 9,
      stream: true,
      messages: [{ role: 'user', content: 'Hello' }],
    };
    for await (const _ of await client.beta.messages.create(body));
    return exporter
      .getFinishedSpans()
      .map(({ attributes }) => [
        attributes['gen_ai.response.model'],
        attributes['gen_ai.usage.input_tokens'],
        attributes['gen_ai.usage.output_tokens'],
        attributes['anthropic.usage.cache_creation.ephemeral_1h_input_tokens'],
      ]);
  } finally {
    instrumentation.disable();
  }
}

const HOUR = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 40 };
const USAGE = { input_tokens: 412, cache_creation_input_tokens: 40, cache_creation: HOUR, output_tokens: 37 };
const NO_OUTPUT = { input_tokens: 100, output_tokens: 1 };
const SERVED: Answer = { text: 'Hi', usage: USAGE };

describe('a refusal that the SDK lets another model answer', function () {
  this.timeout(120_000);

  it('costs nothing where there was no output, which the API counts as one token', async () => {
    const answers = { [FIRST]: { refusal: 'cyber', usage: NO_OUTPUT }, [SECOND]: SERVED };
    assert.deepEqual(await told(answers), [[SECOND, 452, 37, 40]]);
  });

  it('is a call of its own where it is charged', async () => {
    const charged = { [FIRST]: { refusal: 'bio', usage: NO_OUTPUT }, [SECOND]: SERVED };
    assert.deepEqual(await told(charged), [
      [FIRST, 100, 1, undefined],
      [SECOND, 452, 37, 40],
    ]);
    const begun = { [FIRST]: { text: 'So', refusal: 'cyber', usage: { ...NO_OUTPUT, output_tokens: 20 } } };
    assert.deepEqual(await told({ ...begun, [SECOND]: SERVED }), [
      [FIRST, 100, 20, undefined],
      [SECOND, 452, 37, 40],
    ]);
  });

  it('is charged by the model that refused where the other one gives no answer', async () => {
    const begun = { text: 'So', refusal: 'cyber', usage: { ...USAGE, output_tokens: 20 } };
    assert.deepEqual(await told({ [FIRST]: begun }), [[FIRST, 452, 20, 40]]);
  });
});
