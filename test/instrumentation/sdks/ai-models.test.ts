import assert from 'node:assert/strict';
import { context, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { createInstrumentations, type SdkInstrumentation } from '@spanmeter/instrumentation';

type Attributes = Readonly<Record<string, unknown>>;

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

/** A model as a provider's package has one. */
class LocalModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId = 'local-1';
  answer: unknown;

  constructor(answer: unknown, specificationVersion = 'v2', vendor = 'local.chat') {
    this.answer = answer;
    this.specificationVersion = specificationVersion;
    this.provider = vendor;
  }

  doGenerate(_options?: unknown): Promise<unknown> {
    return Promise.resolve(this.answer);
  }

  doStream(_options?: unknown): Promise<{ stream: ReadableStream<unknown> }> {
    return Promise.resolve({ stream: this.answer as ReadableStream<unknown> });
  }
}

const FINISH = { type: 'finish', finishReason: 'stop', usage: { inputTokens: 7, outputTokens: 5 } };

function parts(count: number): unknown[] {
  const deltas = Array.from({ length: count }, (_, index) => ({ type: 'text-delta', delta: `w${index} ` }));
  return [...deltas, FINISH];
}

interface Source {
  readonly stream: ReadableStream<unknown>;
  readonly log: { pulls: number; cancelled: unknown };
}

/** A stream that notes what is asked of it; it breaks with `error` in place of its end, where given. */
function sourceOf(chunks: readonly unknown[], error?: Error): Source {
  const log = { pulls: 0, cancelled: undefined as unknown };
  const stream = new ReadableStream<unknown>(
    {
      pull(controller) {
        const chunk = chunks[log.pulls];
        log.pulls += 1;
        if (log.pulls <= chunks.length) controller.enqueue(chunk);
        else if (error === undefined) controller.close();
        else controller.error(error);
      },
      cancel(reason) {
        log.cancelled = reason;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, log };
}

async function readAll(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const part of stream) all.push(part);
  return all;
}

async function readByReader(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return all;
    all.push(value);
  }
}

async function readByPipe(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  await stream.pipeTo(new WritableStream({ write: (part) => void all.push(part) }));
  return all;
}

async function readByTee(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const [left, right] = stream.tee();
  const [all] = await Promise.all([readAll(left), readAll(right)]);
  return all;
}

const WAYS: Readonly<Record<string, (stream: ReadableStream<unknown>) => Promise<unknown[]>>> = {
  'its iterator': readAll,
  'a reader': readByReader,
  'a pipe to a sink': readByPipe,
  'a transform': (stream) => readAll(stream.pipeThrough(new TransformStream())),
  'two branches': readByTee,
};

describe('the models of the AI SDK, watched in place', () => {
  let instrumentation: SdkInstrumentation;

  before(() => {
    const [found] = createInstrumentations({ enabled: false }).filter(({ sdk }) => sdk === 'ai');
    assert.ok(found);
    instrumentation = found;
    instrumentation.enable();
    instrumentation.setTracerProvider(provider);
    assert.equal(instrumentation.instrumentClient(new LocalModel(undefined)), true);
    assert.equal(instrumentation.instrumentClient({ doGenerate: () => undefined }), false);
  });

  after(() => instrumentation.disable());

  beforeEach(() => exporter.reset());

  const onlySpan = (): ReadableSpan => {
    const spans = exporter.getFinishedSpans();
    assert.equal(spans.length, 1);
    return spans[0]!;
  };

  const usageOf = async (answer: unknown, version?: string, vendor?: string): Promise<Attributes> => {
    exporter.reset();
    const model = new LocalModel(answer, version, vendor);
    assert.equal(await model.doGenerate({ prompt: [] }), answer);
    const { attributes } = onlySpan();
    const names = ['input_tokens', 'output_tokens', 'cache_read.input_tokens', 'cache_write.input_tokens'];
    return Object.fromEntries(
      [...names, 'reasoning.output_tokens'].flatMap((name) => {
        const value = attributes[`gen_ai.usage.${name}`];
        return value === undefined ? [] : [[name.replace('_tokens', ''), value]];
      }),
    );
  };

  it('are told by what they answer, in the terms of every specification', async () => {
    const v1 = { usage: { promptTokens: 10, completionTokens: 4 } };
    assert.deepEqual(await usageOf(v1, 'v1'), { input: 10, output: 4 });
    const v3 = {
      usage: {
        inputTokens: { total: 1370, noCache: 0, cacheRead: 1000, cacheWrite: 370 },
        outputTokens: { total: 9, reasoning: 3 },
      },
    };
    assert.deepEqual(await usageOf(v3, 'v3', 'anthropic.messages'), {
      input: 1370,
      output: 9,
      'cache_read.input': 1000,
      'cache_write.input': 370,
      'reasoning.output': 3,
    });
  });

  it('have cached tokens in their input and thoughts in their output, whatever their provider counts', async () => {
    const usage = { inputTokens: 450, outputTokens: 9, cachedInputTokens: 1000, reasoningTokens: 3 };
    const written = { bedrock: { usage: { cacheWriteInputTokens: 370 } } };
    const cached = { 'cache_read.input': 1000, 'reasoning.output': 3 };
    assert.deepEqual(await usageOf({ usage, providerMetadata: written }, 'v2', 'amazon-bedrock'), {
      input: 1820,
      output: 9,
      ...cached,
      'cache_write.input': 370,
    });
    const google = await usageOf({ usage }, 'v2', 'google.generative-ai');
    assert.deepEqual(google, { input: 450, output: 12, ...cached });
    const openai = await usageOf({ usage }, 'v2', 'openai.chat');
    assert.deepEqual(openai, { input: 450, output: 9, ...cached });
  });

  it('may answer anything: what is no count is left out, and nothing breaks', async () => {
    const odd: unknown[] = [
      undefined,
      null,
      'text',
      {},
      { usage: null, response: null, providerMetadata: null },
      { usage: { inputTokens: Number.NaN, outputTokens: -1 } },
      { usage: { inputTokens: '5', outputTokens: [] }, response: { id: 5, body: 'x' }, finishReason: 7 },
      { usage: { inputTokens: {}, outputTokens: null, raw: 5 }, providerMetadata: { anthropic: 'x' } },
      Object.freeze({ usage: Object.freeze({}) }),
    ];
    const circular: Record<string, unknown> = {};
    circular['usage'] = circular;
    circular['response'] = circular;
    for (const answer of [...odd, circular]) assert.deepEqual(await usageOf(answer), {});
    assert.deepEqual(await usageOf({ usage: { inputTokens: 1, outputTokens: 2 } }), { input: 1, output: 2 });
  });

  for (const [way, read] of Object.entries(WAYS)) {
    it(`give the same stream by ${way}, and are told by its end`, async () => {
      const { stream } = sourceOf(parts(5));
      const given = (await new LocalModel(stream).doStream()).stream;
      assert.equal(given, stream);
      assert.deepEqual(await read(given), parts(5));
      const { attributes } = onlySpan();
      assert.equal(attributes['gen_ai.usage.input_tokens'], 7);
      assert.equal(attributes['gen_ai.usage.output_tokens'], 5);
      assert.ok(Number(attributes['gen_ai.response.time_to_first_chunk']) >= 0);
    });

    it(`pass on the very error that breaks a stream read by ${way}`, async () => {
      const error = new TypeError('broken');
      const { stream } = await new LocalModel(sourceOf(parts(2).slice(0, 2), error).stream).doStream();
      await assert.rejects(read(stream), (thrown) => thrown === error);
      const span = onlySpan();
      assert.equal(span.status.code, SpanStatusCode.ERROR);
      assert.equal(span.attributes['error.type'], 'TypeError');
    });
  }

  it('are asked for no more of a piped stream than without us', async () => {
    const pulls = async (watched: boolean): Promise<number> => {
      const { stream, log } = sourceOf(parts(50));
      const source = watched ? (await new LocalModel(stream).doStream()).stream : stream;
      const reader = source.pipeThrough(new TransformStream()).getReader();
      await reader.read();
      await new Promise((resolve) => setImmediate(resolve));
      return log.pulls;
    };
    assert.equal(await pulls(true), await pulls(false));
  });

  it('learn of a cancelled pipe with its reason, and their span ends with what came', async () => {
    const { stream, log } = sourceOf(parts(50));
    const given = (await new LocalModel(stream).doStream({ prompt: [] })).stream;
    const reader = given.pipeThrough(new TransformStream()).getReader();
    await reader.read();
    await reader.cancel('enough');
    assert.equal(log.cancelled, 'enough');
    const span = onlySpan();
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.equal(span.attributes['gen_ai.usage.output_tokens'], undefined);
    assert.ok(Number(span.attributes['spanmeter.usage.estimate.output_characters']) > 0);
  });

  it('keep a stream usable after a pipe that leaves it open', async () => {
    const { stream } = sourceOf(parts(3));
    const given = (await new LocalModel(stream).doStream()).stream;
    const stop = new AbortController();
    const sink = new WritableStream({ write: () => stop.abort() });
    await assert.rejects(given.pipeTo(sink, { preventCancel: true, signal: stop.signal }));
    assert.ok((await readAll(given)).length > 0);
  });

  it('have their stream back after a pipe, whichever way it ended, and keep what is teed', async () => {
    const broken = new RangeError('full');
    const failing = (): WritableStream => new WritableStream({ write: () => Promise.reject(broken) });
    const ended = async (
      pipe: (stream: ReadableStream<unknown>) => unknown,
      error?: Error,
    ): Promise<unknown> => {
      const { stream } = sourceOf(parts(2).slice(0, 2), error);
      const given = (await new LocalModel(stream).doStream()).stream;
      await Promise.resolve(pipe(given)).catch(() => undefined);
      return given.locked;
    };
    assert.equal(await ended(readByPipe), false);
    assert.equal(await ended(readByPipe, broken), false);
    assert.equal(await ended((stream) => stream.pipeTo(failing())), false);
    assert.equal(await ended(readByTee), true);
  });

  it('fail where a part of a stream says so, though the stream ends as if all were well', async () => {
    const failed = { type: 'error', error: new RangeError('secret') };
    const { stream } = await new LocalModel(
      sourceOf([...parts(2).slice(0, 2), failed, FINISH]).stream,
    ).doStream();
    await readAll(stream);
    const span = onlySpan();
    assert.equal(span.status.code, SpanStatusCode.ERROR);
    assert.equal(span.attributes['error.type'], 'RangeError');
    assert.ok(!JSON.stringify(span.attributes).includes('secret'));
  });

  it('are left alone while the instrumentation is disabled, and told again afterwards', async () => {
    const spans = async (): Promise<number> => {
      exporter.reset();
      await new LocalModel({}).doGenerate();
      return exporter.getFinishedSpans().length;
    };
    instrumentation.disable();
    assert.equal(await spans(), 0);
    instrumentation.enable();
    assert.equal(await spans(), 1);
  });

  it('stream 100,000 parts', async () => {
    const { stream } = await new LocalModel(sourceOf(parts(100_000)).stream).doStream();
    assert.equal((await readAll(stream.pipeThrough(new TransformStream()))).length, 100_001);
    assert.equal(onlySpan().attributes['gen_ai.usage.output_tokens'], 5);
  });
});

/** A class for each role, as classes of different models are different ones. */
function modelClass(method: string, answer: unknown): new () => object {
  return class {
    specificationVersion = 'v3';
    provider = 'openai.other';
    modelId = 'other-1';

    static {
      Object.defineProperty(this.prototype, method, {
        value: () => Promise.resolve(answer),
        writable: true,
        configurable: true,
      });
    }
  };
}

describe('functions of the AI SDK that are no chats', () => {
  it('are told by what their price depends on', async () => {
    const [instrumentation] = createInstrumentations({ enabled: false }).filter(({ sdk }) => sdk === 'ai');
    assert.ok(instrumentation);
    instrumentation.enable();
    instrumentation.setTracerProvider(provider);
    const calls: Readonly<Record<string, readonly [string, unknown]>> = {
      generateText: ['doGenerate', {}],
      generateImage: ['doGenerate', { images: ['a', 'b'], usage: { inputTokens: 9, outputTokens: 300 } }],
      generateSpeech: ['doGenerate', { audio: 'a' }],
      transcribe: ['doGenerate', { text: 'said', durationInSeconds: 12.5 }],
      rerank: ['doRerank', { ranking: [] }],
      experimental_decide: ['doDecide', { answers: {}, usage: { inputTokens: 100, outputTokens: 5 } }],
      embed: ['doEmbed', { embeddings: [[1]], usage: { tokens: 30 } }],
    };
    const exports: Record<string, (options: { model: object }) => unknown> = {};
    for (const [name, [method]] of Object.entries(calls)) {
      exports[name] = ({ model }) =>
        (model as Record<string, (given: unknown) => unknown>)[method]?.({ text: 'four' });
    }
    instrumentation.manuallyInstrument(exports);
    exporter.reset();
    for (const [name, [method, answer]] of Object.entries(calls)) {
      const Model = modelClass(method, answer);
      assert.equal(await exports[name]?.({ model: new Model() }), answer, name);
    }
    const told = exporter
      .getFinishedSpans()
      .map(({ name, attributes }) => [
        name,
        attributes['gen_ai.usage.input_tokens'],
        attributes['gen_ai.usage.output_tokens'],
        attributes['spanmeter.usage.images'],
        attributes['spanmeter.usage.input_characters'],
        attributes['spanmeter.usage.audio_seconds'],
      ]);
    const none = undefined;
    assert.deepEqual(told, [
      ['chat other-1', none, none, none, none, none],
      ['image_generation other-1', 9, 300, none, none, none],
      ['speech other-1', none, none, none, 4, none],
      ['transcription other-1', none, none, none, none, 12.5],
      ['rerank other-1', none, none, none, none, none],
      ['chat other-1', 100, 5, none, none, none],
      ['embeddings other-1', 30, none, none, none, none],
    ]);
    instrumentation.disable();
  });
});

describe('images that a model of the AI SDK makes by a tool', () => {
  const DRAWN = {
    tools: [{ type: 'image_generation', model: 'gpt-image-1' }],
    tool_usage: { image_gen: { input_tokens: 50, output_tokens: 4160, total_tokens: 4210 } },
  };

  it('are told of a whole answer once, under the model that made them', async () => {
    const [instrumentation] = createInstrumentations({ enabled: false }).filter(({ sdk }) => sdk === 'ai');
    assert.ok(instrumentation);
    instrumentation.enable();
    instrumentation.setTracerProvider(provider);
    const usage = { inputTokens: { total: 9 }, outputTokens: { total: 5 } };
    const answer = { usage, response: { body: DRAWN } };
    const model = new LocalModel(answer, 'v3', 'openai.responses');
    assert.equal(instrumentation.instrumentClient(model), true);
    exporter.reset();
    assert.equal(await model.doGenerate(), answer);
    const [images, chat, ...more] = exporter.getFinishedSpans();
    assert.deepEqual(more, []);
    assert.equal(chat?.name, 'chat local-1');
    assert.equal(images?.name, 'image_generation gpt-image-1');
    assert.equal(images?.attributes['gen_ai.request.model'], 'gpt-image-1');
    assert.equal(images?.attributes['gen_ai.provider.name'], 'openai');
    assert.equal(images?.attributes['gen_ai.usage.image.output_tokens'], 4160);
    instrumentation.disable();
  });
});

describe("advisors that one of Anthropic's models asks, by the AI SDK", () => {
  const cached = { cache_read_input_tokens: 20, cache_creation_input_tokens: 10 };
  const own = { input_tokens: 100, output_tokens: 50, ...cached };
  const raw = {
    ...own,
    iterations: [
      { type: 'compaction', input_tokens: 1000, output_tokens: 300, cache_read_input_tokens: 5000 },
      { type: 'message', ...own },
      { type: 'advisor_message', model: 'claude-opus-4-6', input_tokens: 700, output_tokens: 200 },
    ],
  };
  const TOLD = [
    ['chat claude-opus-4-6', 'msg_1/advisor/0', 700, 200, undefined],
    ['chat local-1', 'msg_1', 6130, 350, 5020],
  ];

  const told = (): unknown[] =>
    exporter
      .getFinishedSpans()
      .map(({ name, attributes }) => [
        name,
        attributes['gen_ai.response.id'],
        attributes['gen_ai.usage.input_tokens'],
        attributes['gen_ai.usage.output_tokens'],
        attributes['gen_ai.usage.cache_read.input_tokens'],
      ]);

  it('are told in spans of their own, and compactions with all that they read', async () => {
    const [instrumentation] = createInstrumentations({ enabled: false }).filter(({ sdk }) => sdk === 'ai');
    assert.ok(instrumentation);
    instrumentation.enable();
    instrumentation.setTracerProvider(provider);
    const response = { id: 'msg_1' };
    const v3 = { inputTokens: { total: 1130 }, outputTokens: { total: 350 }, raw };
    const v2 = { inputTokens: 1800, outputTokens: 550, cachedInputTokens: 20 };
    const model = new LocalModel(undefined, 'v3', 'anthropic.messages');
    assert.equal(instrumentation.instrumentClient(model), true);
    for (const answer of [
      { usage: v3, response },
      { usage: v2, providerMetadata: { anthropic: { usage: raw } }, response },
    ]) {
      exporter.reset();
      model.answer = answer;
      await model.doGenerate();
      assert.deepEqual(told(), TOLD);
      exporter.reset();
      const metadata = { type: 'response-metadata', id: 'msg_1' };
      model.answer = sourceOf([metadata, { ...answer, type: 'finish', response: undefined }]).stream;
      await readAll((await model.doStream()).stream);
      assert.deepEqual(told(), TOLD);
    }
    instrumentation.disable();
  });
});

/** As Google's package has it: an image model that asks a language model of its own. */
class PaintingModel {
  readonly specificationVersion = 'v3';
  readonly provider = 'google.generative-ai';
  readonly modelId = 'gemini-2.5-flash-image';
  readonly maxImagesPerCall = 1;

  async doGenerate(): Promise<object> {
    const usage = { inputTokens: { total: 9 }, outputTokens: { total: 1290 } };
    await new LocalModel({ usage }, 'v3', 'google.generative-ai').doGenerate({ prompt: [] });
    return { images: ['a'], usage: { inputTokens: 9, outputTokens: 1290 } };
  }
}

describe('an image model of the AI SDK that asks a language model', () => {
  const contexts = new AsyncLocalStorageContextManager();
  before(() => context.setGlobalContextManager(contexts.enable()));
  after(() => {
    contexts.disable();
    context.disable();
  });

  it('is told once: by the language model, or where nobody knows that one, itself', async () => {
    for (const inner of [true, false]) {
      const [instrumentation] = createInstrumentations({ enabled: false }).filter(({ sdk }) => sdk === 'ai');
      assert.ok(instrumentation);
      instrumentation.enable();
      instrumentation.setTracerProvider(provider);
      if (inner) assert.equal(instrumentation.instrumentClient(new LocalModel(undefined)), true);
      assert.equal(instrumentation.instrumentClient(new PaintingModel()), true);
      exporter.reset();
      await new PaintingModel().doGenerate();
      const told = exporter.getFinishedSpans();
      assert.deepEqual(
        told.map(({ name }) => name),
        [inner ? 'chat local-1' : 'chat gemini-2.5-flash-image'],
      );
      assert.equal(told[0]?.attributes['gen_ai.usage.output_tokens'], 1290);
      instrumentation.disable();
    }
  });
});
