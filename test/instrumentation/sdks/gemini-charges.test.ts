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
import { installSet, missingNode, setFolder } from '../../support/sdk-set.ts';

type Adapter = ConstructorParameters<typeof SdkInstrumentation>[0];

interface Models {
  generateContent(request: object): Promise<unknown>;
  generateContentStream(request: object): Promise<AsyncIterable<unknown>>;
  embedContent(request: object): Promise<unknown>;
}

const SET = 'google-previous';
const LATER = 'google-current';
const { googleGenai } = await instrumentationFile<{ readonly googleGenai: Adapter }>('sdks/google-genai.js');

/** What one call of the real SDK is told as, where the API answers `data`, or the chunks of it. */
async function told(
  data: object | readonly object[],
  use: (models: Models) => Promise<unknown>,
  { set = SET, ...options }: { readonly set?: string; readonly vertexai?: boolean } = {},
): Promise<Readonly<Record<string, unknown>>> {
  await installSet(set);
  const load = createRequire(join(setFolder(set), 'app.cjs'));
  const { GoogleGenAI } = load('@google/genai') as {
    GoogleGenAI: new (options: object) => { readonly models: Models };
  };
  const client = new GoogleGenAI({ apiKey: 'test', ...options });
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const instrumentation = new SdkInstrumentation(googleGenai);
  const text = Array.isArray(data)
    ? data.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')
    : JSON.stringify(data);
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.resolve(new Response(text));
  try {
    instrumentation.setTracerProvider(provider);
    assert.equal(instrumentation.instrumentClient(client), true);
    await use(client.models);
    const [span, ...others] = exporter.getFinishedSpans();
    assert.deepEqual(others, []);
    return span?.attributes ?? {};
  } finally {
    globalThis.fetch = fetch;
    instrumentation.disable();
  }
}

const ASKED = { model: 'gemini-3-pro-preview', contents: 'Hello' };
const ask = (models: Models): Promise<unknown> => models.generateContent(ASKED);
const askStream = async (models: Models): Promise<void> => {
  for await (const _ of await models.generateContentStream(ASKED));
};

const DETAILS = [
  { modality: 'TEXT', tokenCount: 10 },
  { modality: 'AUDIO', tokenCount: 60 },
  { modality: 'IMAGE', tokenCount: 30 },
];

describe('what Gemini charges', function () {
  this.timeout(300_000);

  it('of an embedding, is kept apart by what was sound and image', async () => {
    const embed = (models: Models): Promise<unknown> =>
      models.embedContent({ model: 'gemini-embedding-2', contents: 'Hello' });
    const values = [0.5];
    const usageMetadata = { promptTokenCount: 100, promptTokensDetails: DETAILS };
    // The Developer API's usage reaches nobody in this version of the package.
    const answer = { embedding: { values }, embeddings: [{ values }], usageMetadata };
    for (const [set, options] of [
      [SET, { vertexai: true }],
      [LATER, {}],
    ] as const) {
      if (missingNode(set) !== undefined) continue;
      const span = await told(answer, embed, { set, ...options });
      assert.equal(span['gen_ai.usage.input_tokens'], 100, set);
      assert.equal(span['gen_ai.usage.audio.input_tokens'], 60, set);
      assert.equal(span['gen_ai.usage.image.input_tokens'], 30, set);
    }
  });

  it('of searches, leaves out those for nothing, which stand among the others', async () => {
    const chunk = (webSearchQueries: readonly string[]): object => ({
      candidates: [{ content: { parts: [{ text: 'Hi' }] }, groundingMetadata: { webSearchQueries } }],
      usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 },
      modelVersion: 'gemini-3-pro-preview',
    });
    const key = 'spanmeter.usage.web_search_requests';
    const queries = ['', 'heron', '', 'blue heron', 'heron'];
    assert.equal((await told(chunk(queries), ask))[key], 2);
    assert.equal((await told([chunk(queries), chunk(['', 'grey heron'])], askStream))[key], 3);
    assert.equal((await told(chunk(['']), ask))[key], undefined);
  });

  it('goes by the tier that served, also where only the usage tells it', async () => {
    const asked = { ...ASKED, config: { serviceTier: 'priority' } };
    const answer = {
      candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, serviceTier: 'standard' },
    };
    const span = await told(answer, (models) => models.generateContent(asked));
    assert.equal(span['gen_ai.request.service_tier'], 'priority');
    assert.equal(span['gen_ai.response.service_tier'], 'standard');
    assert.equal((await told([answer], askStream))['gen_ai.response.service_tier'], 'standard');
  });
});
