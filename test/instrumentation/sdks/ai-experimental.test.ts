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
