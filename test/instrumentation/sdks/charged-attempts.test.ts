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
type Attributes = Readonly<Record<string, unknown>>;

interface Messages {
  create(body: object): Promise<unknown>;
  readonly batches: { results(id: string): Promise<AsyncIterable<unknown>> };
}
interface Client {
  readonly beta: { readonly messages: Messages };
}

/** Without spans of its own, and with. */
const SETS = ['anthropic-early', 'anthropic-current'];

const { anthropic } = await instrumentationFile<{ readonly anthropic: Adapter }>('sdks/anthropic.js');
const { bodyAttributes } = await instrumentationFile<{
  readonly bodyAttributes: (body: object) => Attributes;
}>('sdks/bedrock/model-body.js');

const BODY = { model: 'claude-fable-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] };

/** What the real SDK's calls are told as, where the API answers `data` as JSON, or its lines or events as text. */
async function told(
  set: string,
  data: unknown,
  use: (messages: Messages) => Promise<unknown>,
): Promise<Attributes[]> {
  await installSet(set);
  const load = createRequire(join(setFolder(set), 'app.cjs'));
  const { Anthropic } = load('@anthropic-ai/sdk') as { Anthropic: new (options: object) => Client };
  const answer = (url: string | URL): Response => {
    const isText = typeof data === 'string' && !new URL(url).pathname.endsWith('/msgbatch_7');
    const isBatch = typeof data === 'string' && !isText;
    const batch = {
      id: 'msgbatch_7',
      results_url: 'http://127.0.0.1/v1/messages/batches/msgbatch_7/results',
    };
    const type = isText ? 'text/event-stream' : 'application/json';
    return new Response(isText ? data : JSON.stringify(isBatch ? batch : data), {
      headers: { 'content-type': type },
    });
  };
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const openTelemetry = { tracerProvider };
  const client = new Anthropic({ apiKey: 'test', baseURL: 'http://127.0.0.1', fetch: answer, openTelemetry });
  const instrumentation = new SdkInstrumentation(anthropic);
  try {
    instrumentation.setTracerProvider(tracerProvider);
    assert.equal(instrumentation.instrumentClient(client), true);
    await use(client.beta.messages);
    return exporter
      .getFinishedSpans()
      .map(({ attributes }) => attributes)
      .filter((attributes) => attributes['gen_ai.operation.name'] === 'chat');
  } finally {
    instrumentation.disable();
  }
}

async function drain(source: unknown): Promise<void> {
  for await (const _ of source as AsyncIterable<unknown>);
}

const ask = (messages: Messages): Promise<unknown> => messages.create(BODY);
const askStream = async (messages: Messages): Promise<void> =>
  drain(await messages.create({ ...BODY, stream: true }));

const CACHED = { cache_read_input_tokens: 300, cache_creation_input_tokens: 40 };
const KEPT = { cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 40 } };

function message(more: object, usage: object = {}): Record<string, unknown> {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-fable-5',
    content: [{ type: 'text', text: 'Hi' }],
    stop_reason: 'end_turn',
    stop_details: null,
    usage: { input_tokens: 412, output_tokens: 37, ...CACHED, ...KEPT, ...usage },
    ...more,
  };
}

function refused(category: string | null): object {
  const stop_details = { type: 'refusal', category, explanation: null };
  return { content: [], stop_reason: 'refusal', stop_details };
}

/** The same as a stream of the API, which tells for how long something is cached at the start alone. */
function events(answer: Record<string, unknown>, before?: Record<string, unknown>): string {
  const { content, stop_reason, stop_details, usage: told, ...after } = answer;
  const { cache_creation: _kept, ...usage } = told as Record<string, unknown>;
  const start = before ?? after;
  const placeholders = { ...((before ?? answer)['usage'] as object), output_tokens: 1 };
  const blocks = (content as object[]).flatMap((content_block, index) => [
    { type: 'content_block_start', index, content_block },
    { type: 'content_block_stop', index },
  ]);
  return [
    { type: 'message_start', message: { ...start, content: [], usage: placeholders } },
    ...blocks,
    { type: 'message_delta', delta: { stop_reason, stop_details }, usage },
    { type: 'message_stop' },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('');
}

const COUNTS: Readonly<Record<string, string>> = {
  input: 'gen_ai.usage.input_tokens',
  output: 'gen_ai.usage.output_tokens',
  read: 'gen_ai.usage.cache_read.input_tokens',
  write: 'gen_ai.usage.cache_write.input_tokens',
  hour: 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
};

function countsOf(attributes: Attributes = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(COUNTS).map(([name, key]) => [name, attributes[key]]));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

const NOTHING = { input: 0, output: 0, read: 0, write: 0, hour: 0 };
const ALL = { input: 752, output: 37, read: 300, write: 40, hour: 40 };

const WAYS = SETS.flatMap((set) => [
  { how: `whole, ${set}`, set, use: ask, wire: (answer: object): unknown => answer },
  { how: `streamed, ${set}`, set, use: askStream, wire: events },
]);

describe('a refusal of Claude', function () {
  this.timeout(300_000);

  for (const { how, set, use, wire } of WAYS) {
    it(`counts nothing where it came before any output and is not charged, ${how}`, async () => {
      for (const category of ['cyber', 'general_harms', null]) {
        const answer = message(refused(category), { output_tokens: 0 });
        const [span] = await told(set, wire(answer), use);
        assert.deepEqual(countsOf(span), NOTHING, String(category));
        assert.deepEqual(span?.['gen_ai.response.finish_reasons'], ['refusal']);
      }
    });

    it(`counts all where its category is charged, or it had begun to answer, ${how}`, async () => {
      for (const category of ['bio', 'frontier_llm', 'reasoning_extraction']) {
        const [span] = await told(set, wire(message(refused(category), { output_tokens: 0 })), use);
        assert.deepEqual(countsOf(span), { ...ALL, output: 0 }, category);
      }
      const begun = { ...refused('cyber'), content: [{ type: 'text', text: 'Hi' }] };
      assert.deepEqual(countsOf((await told(set, wire(message(begun)), use))[0]), ALL);
      const untold = { ...refused('cyber'), stop_details: undefined };
      const [span] = await told(set, wire(message(untold, { output_tokens: 0 })), use);
      assert.deepEqual(countsOf(span), { ...ALL, output: 0 });
    });

    it(`is a call of its own where another model answered, as far as it is charged, ${how}`, async () => {
      const attempt = { input_tokens: 100, cache_read_input_tokens: 5, cache_creation_input_tokens: 0 };
      const opus = { type: 'fallback_message', model: 'claude-opus-5' };
      const iterations = [
        { ...attempt, type: 'message', model: null, output_tokens: 20 },
        { ...attempt, type: 'message', model: null, output_tokens: 0 },
        { ...attempt, ...opus, model: 'claude-sonnet-5', output_tokens: 0 },
        { ...attempt, ...opus, model: 'claude-sonnet-5-5', output_tokens: 0 },
        { input_tokens: 412, ...CACHED, ...KEPT, ...opus, output_tokens: 37 },
      ];
      const names = ['claude-fable-5', 'claude-sonnet-5', 'claude-sonnet-5-5', 'claude-opus-5'];
      const fallbacks = ['cyber', 'cyber', 'bio'].map((category, index) => ({
        type: 'fallback',
        from: { model: names[index] },
        to: { model: names[index + 1] },
        trigger: { type: 'refusal', category },
      }));
      const content = [...fallbacks, { type: 'text', text: 'Hi' }];
      const more = { iterations, service_tier: 'standard', speed: 'fast' };
      const answer = message({ model: 'claude-opus-5', content }, more);
      const spans = await told(set, wire(answer), use);
      const byModel = new Map(spans.map((span) => [span['gen_ai.response.model'], span]));
      assert.deepEqual([...byModel.keys()].map(String).toSorted(byText), [
        'claude-fable-5',
        'claude-opus-5',
        'claude-sonnet-5-5',
      ]);
      assert.deepEqual(countsOf(byModel.get('claude-opus-5')), ALL);
      const first = byModel.get('claude-fable-5');
      assert.deepEqual(countsOf(first), {
        input: 210,
        output: 20,
        read: 10,
        write: 0,
        hour: undefined,
      });
      assert.equal(first?.['gen_ai.response.id'], 'msg_1/declined/0');
      assert.equal(first['anthropic.usage.speed'], 'fast');
      assert.equal(countsOf(byModel.get('claude-sonnet-5-5')).input, 105);
    });
  }

  it('midway leaves nothing of its own usage in that of the model that went on', async () => {
    const written = { input_tokens: 100, cache_creation_input_tokens: 30, cache_read_input_tokens: 0 };
    const kept = { cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 0 } };
    const iterations = [
      { input_tokens: 412, ...CACHED, ...KEPT, type: 'message', model: 'claude-fable-5', output_tokens: 8 },
      { ...written, ...kept, type: 'fallback_message', model: 'claude-opus-5', output_tokens: 37 },
    ];
    const text = { type: 'text', text: 'Hi' };
    const models = { from: { model: 'claude-fable-5' }, to: { model: 'claude-opus-5' } };
    const fallback = { type: 'fallback', ...models, trigger: { type: 'refusal', category: 'cyber' } };
    const answer = message({ content: [text, fallback, text] }, { ...written, iterations });
    for (const set of SETS) {
      const spans = await told(set, events(answer, message({})), askStream);
      const byModel = new Map(spans.map((span) => [span['gen_ai.response.model'], span]));
      const after = { input: 130, output: 37, read: 0, write: 30, hour: 0 };
      assert.deepEqual(countsOf(byModel.get('claude-opus-5')), after, set);
      assert.deepEqual(countsOf(byModel.get('claude-fable-5')), { ...ALL, output: 8 }, set);
    }
  });

  it('counts nothing on Bedrock either', () => {
    const { usage, ...answer } = message(refused('cyber'));
    const body = { ...answer, usage: { ...(usage as object), output_tokens: 1 } };
    assert.deepEqual(countsOf(bodyAttributes(body)), NOTHING);
    assert.deepEqual(countsOf(bodyAttributes(message(refused('cyber')))), ALL);
  });
});

describe('advice within a batch', function () {
  this.timeout(300_000);

  for (const set of SETS)
    it(`is charged by the model that gave it, at the prices of batches, ${set}`, async () => {
      const advice = {
        type: 'advisor_message',
        model: 'claude-opus-5',
        input_tokens: 100,
        output_tokens: 10,
      };
      const made = message({ id: `msg_${set}` }, { iterations: [advice], service_tier: 'batch' });
      const line = JSON.stringify({ custom_id: 'a', result: { type: 'succeeded', message: made } });
      const read = async (messages: Messages): Promise<void> =>
        drain(await messages.batches.results('msgbatch_7'));
      const spans = await told(set, `${line}\n`, read);
      assert.deepEqual(
        spans.map((span) => [
          span['gen_ai.response.id'],
          span['gen_ai.usage.input_tokens'],
          span['spanmeter.batch'],
          span['anthropic.message.batch.id'],
          span['anthropic.response.service_tier'],
        ]),
        [
          [`msg_${set}`, 752, true, 'msgbatch_7', 'batch'],
          [`msg_${set}/advisor/0`, 100, true, 'msgbatch_7', 'batch'],
        ],
      );
      assert.deepEqual(await told(set, `${line}\n`, read), []);
    });
});
