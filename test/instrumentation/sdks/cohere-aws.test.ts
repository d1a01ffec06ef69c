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
type Method = (request: object) => Promise<unknown>;
type Client = Readonly<Record<'chat' | 'embed' | 'rerank', Method>>;
type Clients = Readonly<Record<'CohereClient' | 'CohereClientV2', new (options: object) => Client>>;

const { cohere } = await instrumentationFile<{ readonly cohere: Adapter }>('sdks/cohere.js');

const COUNTS = {
  'x-amzn-bedrock-input-token-count': '120',
  'x-amzn-bedrock-output-token-count': '30',
};
const MESSAGE = { role: 'assistant', content: [{ type: 'text', text: 'Hi' }] };
const BILLED = { billed_units: { input_tokens: 7, output_tokens: 3 } };

/** Input, output and searches of a call of the real SDK whose requests, as those of its clients for AWS, have a way of their own. */
async function told(
  set: string,
  name: keyof Clients,
  answer: { readonly body: object; readonly headers?: Readonly<Record<string, string>> },
  use: (client: Client) => Promise<unknown>,
): Promise<unknown[]> {
  await installSet(set);
  const sdk = createRequire(join(setFolder(set), 'app.cjs'))('cohere-ai') as Clients;
  const { body, headers = COUNTS } = answer;
  const rawResponse = { headers: new Headers(headers), status: 200, statusText: 'OK', url: '' };
  const fetcher = (): Promise<unknown> => Promise.resolve({ ok: true, body, rawResponse });
  const client = new sdk[name]({ token: 'n/a', awsRegion: 'us-east-1', fetcher });
  const exporter = new InMemorySpanExporter();
  const instrumentation = new SdkInstrumentation(cohere);
  try {
    instrumentation.setTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
    );
    assert.equal(instrumentation.instrumentClient(client), true);
    await use(client);
    const { attributes } = exporter.getFinishedSpans()[0]!;
    return ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'spanmeter.usage.requests'].map(
      (key) => attributes[key],
    );
  } finally {
    instrumentation.disable();
  }
}

const CHAT = { model: 'cohere.command-r-v1:0', message: 'Hello' };
const CHAT_V2 = { model: 'cohere.command-r-v1:0', messages: [{ role: 'user', content: 'Hello' }] };
const EMBED = { model: 'cohere.embed-english-v3', texts: ['a'], inputType: 'search_document' };
const RERANK = { model: 'cohere.rerank-v3-5:0', query: 'q', documents: Array<string>(150).fill('d') };

describe('what Cohere on AWS tells of its usage', function () {
  this.timeout(120_000);

  for (const set of ['vendors-current', 'vendors-previous']) {
    it(`is read from headers where the body has none, ${set}`, async () => {
      const chat = { text: 'Hi', generation_id: 'g', finish_reason: 'COMPLETE' };
      const chatV1 = { body: { ...chat, meta: { api_version: { version: '1' } } } };
      assert.deepEqual(await told(set, 'CohereClient', chatV1, (client) => client.chat(CHAT)), [
        120,
        30,
        undefined,
      ]);
      const chatV2 = { body: { id: 'c', finish_reason: 'COMPLETE', message: MESSAGE } };
      assert.deepEqual(await told(set, 'CohereClientV2', chatV2, (client) => client.chat(CHAT_V2)), [
        120,
        30,
        undefined,
      ]);
      const embedded = {
        body: { id: 'e', response_type: 'embeddings_floats', embeddings: [[1]], texts: ['a'] },
      };
      assert.deepEqual(await told(set, 'CohereClient', embedded, (client) => client.embed(EMBED)), [
        120,
        undefined,
        undefined,
      ]);
    });

    it(`is what is billed where the body tells it, ${set}`, async () => {
      const body = { id: 'c', finish_reason: 'COMPLETE', message: MESSAGE, usage: BILLED };
      assert.deepEqual(await told(set, 'CohereClientV2', { body }, (client) => client.chat(CHAT_V2)), [
        7,
        3,
        undefined,
      ]);
    });

    it(`is worked out of the documents that were ranked, ${set}`, async () => {
      const rerank = (client: Client): Promise<unknown> => client.rerank(RERANK);
      const results = [{ index: 0, relevance_score: 1 }];
      const untold = { body: { results }, headers: {} };
      assert.deepEqual(await told(set, 'CohereClientV2', untold, rerank), [undefined, undefined, 2]);
      const meta = { billed_units: { search_units: 3 } };
      const searched = { body: { results, meta }, headers: {} };
      assert.deepEqual(await told(set, 'CohereClientV2', searched, rerank), [undefined, undefined, 3]);
    });
  }
});
