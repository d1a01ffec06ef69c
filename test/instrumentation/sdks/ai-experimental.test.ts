import assert from 'node:assert/strict';
import { missingNode } from '../../support/sdk-set.ts';
import { runSetApp } from '../set-app.ts';

/** Models of classes of the app's own: no provider's package makes them known before they are used. */
const APP = `
import '@spanmeter/instrumentation/hook';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';


const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();

const ai = await import('ai');

class Base {
  specificationVersion = 'v4';
  provider = 'local.any';
  supportedUrls = {};
  constructor(modelId) {
    this.modelId = modelId;
  }
}
const streamOf = (...parts) => ({ stream: ReadableStream.from(parts) });
const started = { type: 'stream-start', warnings: [] };
const tokens = { type: 'tokens', input_tokens: 70, output_tokens: 8, total_tokens: 78 };

class Language extends Base {
  async doStream() {
    const text = [{ type: 'text-start', id: '1' }, { type: 'text-delta', id: '1', delta: 'Hello.' }];
    const usage = { inputTokens: { total: 11 }, outputTokens: { total: 4 } };
    const finish = { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage };
    return streamOf(started, ...text, { type: 'text-end', id: '1' }, finish);
  }
  async doGenerate() {
    throw new Error('not asked');
  }
}
class Transcriber extends Base {
  async doGenerateFromUrl({ audio }) {
    if (audio.pathname === '/unknown') return null;
    return { ...this.said(), durationInSeconds: 12, usage: { type: 'duration', seconds: 15 } };
  }
  async doGenerate() {
    return { ...this.said(), durationInSeconds: 6 };
  }
  async doStream() {
    const finish = { type: 'finish', text: 'Hello.', segments: [] };
    const used = this.modelId === 'by-token' ? { usage: tokens } : { durationInSeconds: 9 };
    const delta = { type: 'transcript-delta', delta: 'Hello.' };
    return streamOf(started, delta, { ...finish, ...used });
  }
  said() {
    return { text: 'Hello.', segments: [], warnings: [], response: { timestamp: new Date(0), modelId: this.modelId } };
  }
}
class Speaker extends Base {
  async doGenerate() {
    throw new Error('not asked');
  }
  async doStream() {
    const sound = { type: 'audio', audio: new Uint8Array(4), audioFormat: { type: 'audio/pcm', rate: 24000 } };
    return streamOf(started, sound, { type: 'finish', usage: this.modelId === 'by-token' ? { inputTokens: 40, outputTokens: 90 } : { inputCharacters: 17 } });
  }
}
class Extractor extends Base {
  supportedFieldTypes = ['text'];
  async doExtract() {
    const answers = { name: { type: 'text', value: 'heron', sources: [] } };
    return { answers, usage: { inputTokens: 21, outputTokens: 5 }, warnings: [] };
  }
}
class Evaluator extends Base {
  supportedQuestionTypes = ['boolean'];
  async doEvaluate() {
    return { answers: {}, usage: { inputTokens: 31, outputTokens: 6 }, warnings: [] };
  }
}

async function drain(stream) {
  for await (const part of stream) void part;
}
const bytes = () => ReadableStream.from([new Uint8Array(8)]);
const inputAudioFormat = { type: 'audio/pcm', rate: 16000 };
const listen = (id) =>
  ai.experimental_streamTranscribe({ model: new Transcriber(id), audio: bytes(), inputAudioFormat }).fullStream;
const hear = (path) =>
  ai.transcribe({ model: new Transcriber(path), audio: new URL('http://127.0.0.1:9/' + path) });

const say = (id) =>
  ai.experimental_streamSpeech({ model: new Speaker(id), text: ReadableStream.from(['Hi']) }).fullStream;

const runs = {
  lowMemory: () => drain(ai.experimental_streamTextLowMemory({ model: new Language('m'), prompt: 'Hi' }).fullStream),
  languageModelCall: async () =>
    drain((await ai.experimental_streamLanguageModelCall({ model: new Language('m'), prompt: 'Hi' })).stream),
  streamedTokens: () => drain(listen('by-token')),
  streamedSeconds: () => drain(listen('by-second')),
  fromUrl: () => hear('known'),
  speechTokens: () => drain(say('by-token')),
  speechCharacters: () => drain(say('by-character')),
  extract: () =>
    ai.experimental_extract({
      model: new Extractor('m'),
      state: [{ type: 'text', text: 'A heron.' }],
      fields: { name: { type: 'text' } },
    }),
  evaluate: () =>
    ai.experimental_evaluate({ model: new Evaluator('m'), state: [{ type: 'text', text: 'A heron.' }], questions: { is: { type: 'boolean', instructions: 'Is it one?' } } }),
};

const told = {};
for (const [name, run] of Object.entries(runs)) {
  exporter.reset();
  const failure = await Promise.resolve().then(run).then(() => undefined, (error) => error);
  told[name] = exporter.getFinishedSpans().map(({ attributes: all }) => [
    all['gen_ai.operation.name'],
    ...['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'spanmeter.usage.audio_seconds', 'spanmeter.usage.input_characters', 'gen_ai.usage.audio.output_tokens'].map((key) => all[key] ?? 0),
  ]);
  if (told[name].length === 0) console.error(name, failure);
}
process.stdout.write(JSON.stringify(told));
`;

/** A batch of OpenAI's, whose results an app reads twice. */
const BATCH = `
import '@spanmeter/instrumentation/hook';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
const { experimental_getBatchResults: getBatchResults } = await import('ai');
const { createOpenAI } = await import('@ai-sdk/openai');

const content = [{ type: 'output_text', text: 'Hello.', annotations: [] }];
const line = (number) => {
  const body = {
    id: 'resp_batch_' + number,
    object: 'response',
    created_at: 1,
    model: 'gpt-5-mini-2025-08-07',
    status: 'completed',
    output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content }],
    usage: { input_tokens: 1000, input_tokens_details: { cached_tokens: 200 }, output_tokens: number },
  };
  return { id: 'line_' + number, custom_id: 'c' + number, error: null, response: { status_code: 200, body } };
};
const expired = { id: 'line_3', custom_id: 'c3', response: null, error: { code: 'batch_expired', message: 'Late.' } };
const batch = {
  id: 'batch_1',
  object: 'batch',
  endpoint: '/v1/responses',
  status: 'completed',
  created_at: 1,
  completion_window: '24h',
  input_file_id: 'file_in',
  output_file_id: 'file_out',
  request_counts: { total: 3, completed: 2, failed: 1 },
};
const openai = createOpenAI({
  apiKey: 'sk-test',
  fetch: async (url) =>
    String(url).endsWith('/content')
      ? new Response([line(1), line(2), expired].map((each) => JSON.stringify(each)).join('\\n'))
      : Response.json(batch),
});
const { provider } = openai.experimental_batch();
const seen = [];
for (let look = 0; look < 2; look += 1) {
  const results = getBatchResults({ provider: openai, batch: { id: 'batch_1', provider } });
  for await (const { status } of results) seen.push(status);
}
const told = exporter.getFinishedSpans().map(({ attributes }) => attributes);
process.stdout.write(JSON.stringify({ seen, told }));
`;

describe('a batch, by the AI SDK', function () {
  this.timeout(60_000);

  it('is told by its results, once each, as they are charged', async function () {
    if (missingNode('ai-7') !== undefined) this.skip();
    const { code, stdout, stderr } = await runSetApp({ set: 'ai-7', code: BATCH });
    assert.equal(code, 0, stderr);
    const { seen, told } = JSON.parse(stdout) as { seen: string[]; told: Record<string, unknown>[] };
    const once = ['succeeded', 'succeeded', 'expired'];
    assert.deepEqual(seen, [...once, ...once]);
    const calls = told.filter((all) => all['gen_ai.operation.name'] === 'chat');
    assert.deepEqual(
      calls.map((all) => [all['gen_ai.usage.input_tokens'], all['gen_ai.usage.output_tokens']]),
      [
        [1000, 1],
        [1000, 2],
      ],
    );
    for (const call of calls) {
      assert.equal(call['spanmeter.batch'], true);
      assert.equal(call['gen_ai.provider.name'], 'openai');
      assert.equal(call['gen_ai.response.model'], 'gpt-5-mini-2025-08-07');
      assert.equal(call['gen_ai.usage.cache_read.input_tokens'], 200);
    }
    assert.ok(told.every((all) => ['chat', 'fetch_response'].includes(String(all['gen_ai.operation.name']))));
  });
});

describe("the AI SDK's experimental functions", function () {
  this.timeout(60_000);

  it('are told by what their models used', async function () {
    if (missingNode('ai-7') !== undefined) this.skip();
    const { code, stdout, stderr } = await runSetApp({ set: 'ai-7', code: APP });
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      JSON.parse(stdout),
      {
        lowMemory: [['chat', 11, 4, 0, 0, 0]],
        languageModelCall: [['chat', 11, 4, 0, 0, 0]],
        streamedTokens: [['transcription', 70, 8, 0, 0, 0]],
        streamedSeconds: [['transcription', 0, 0, 9, 0, 0]],
        fromUrl: [['transcription', 0, 0, 15, 0, 0]],
        speechTokens: [['speech', 40, 90, 0, 0, 90]],
        speechCharacters: [['speech', 0, 0, 0, 17, 0]],
        extract: [['chat', 21, 5, 0, 0, 0]],
        evaluate: [['chat', 31, 6, 0, 0, 0]],
      },
      stderr,
    );
  });
});
