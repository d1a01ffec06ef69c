import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SdkInstrumentation, attributed, withAttribution } from '@spanmeter/instrumentation';
import { globalLab, type GlobalLab } from '../global-lab.ts';
import { instrumentationFile } from '../../support/instrumentation-source.ts';
import { installSet, missingNode, setFolder } from '../../support/sdk-set.ts';

type Adapter = ConstructorParameters<typeof SdkInstrumentation>[0];
type Stream = AsyncIterable<unknown>;

interface Gemini {
  readonly models: {
    generateContent(request: object): Promise<unknown>;
    generateContentStream(request: object): Promise<Stream>;
  };
  readonly chats: {
    create(options: object): {
      sendMessage(message: object): Promise<unknown>;
      sendMessageStream(message: object): Promise<Stream>;
    };
  };
}
interface Mistral {
  readonly chat: Readonly<Record<'complete' | 'stream', (request: object) => Promise<unknown>>>;
}
interface Claude {
  readonly beta: { readonly messages: { create(body: object): Promise<unknown> } };
}

const { googleGenai } = await instrumentationFile<{ readonly googleGenai: Adapter }>('sdks/google-genai.js');
const { mistral } = await instrumentationFile<{ readonly mistral: Adapter }>('sdks/mistral.js');
const { anthropic } = await instrumentationFile<{ readonly anthropic: Adapter }>('sdks/anthropic.js');

async function loaded<T>(set: string, module: string): Promise<T> {
  await installSet(set);
  return createRequire(join(setFolder(set), 'app.cjs'))(module) as T;
}

async function drain(stream: unknown): Promise<void> {
  for await (const _ of stream as Stream);
}

const MODEL = 'gemini-3-pro-preview';
const TOOL = {
  tool: () => Promise.resolve({ functionDeclarations: [{ name: 'look' }] }),
  callTool: () => Promise.resolve([{ functionResponse: { name: 'look', response: {} } }]),
};
const ASKED = { model: MODEL, contents: 'Hello' };
const WITH_TOOLS = { ...ASKED, config: { tools: [{ functionDeclarations: [{ name: 'look' }] }] } };
const CALLING = { ...ASKED, config: { tools: [TOOL] } };

/** Answers by calling a function once, and then with a text. */
function answers(): (url: unknown) => Promise<Response> {
  let asked = 0;
  return (url) => {
    const parts = (asked += 1) === 1 ? [{ functionCall: { name: 'look', args: {} } }] : [{ text: 'Hi' }];
    const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 };
    const candidates = [{ content: { role: 'model', parts }, finishReason: 'STOP' }];
    const body = JSON.stringify({ candidates, usageMetadata });
    const isStream = String(url).includes('alt=sse');
    return Promise.resolve(new Response(isStream ? `data: ${body}\n\n` : body));
  };
}

describe('who a call is for', function () {
  this.timeout(120_000);
  let lab: GlobalLab;

  beforeEach(() => {
    lab = globalLab();
  });

  afterEach(() => lab.close());

  const tenants = (): unknown[] => lab.spans().map(({ attributes }) => attributes['tenant.id']);

  async function withGemini(set: string, use: (client: Gemini) => Promise<unknown>): Promise<void> {
    const { GoogleGenAI } = await loaded<{ GoogleGenAI: new (options: object) => Gemini }>(
      set,
      '@google/genai',
    );
    const client = new GoogleGenAI({ apiKey: 'test' });
    const instrumentation = new SdkInstrumentation(googleGenai);
    const { fetch } = globalThis;
    globalThis.fetch = answers();
    try {
      assert.equal(instrumentation.instrumentClient(client), true);
      await use(client);
    } finally {
      globalThis.fetch = fetch;
      instrumentation.disable();
    }
  }

  const acme = <T extends object>(parameters: T): T => attributed(parameters, { tenant: 'acme' });
  const ways: Readonly<Record<string, readonly [(client: Gemini) => Promise<unknown>, number]>> = {
    'with tools': [({ models }) => models.generateContent(acme(WITH_TOOLS)), 1],
    'with tools, streamed': [
      async ({ models }) => drain(await models.generateContentStream(acme(WITH_TOOLS))),
      1,
    ],
    'that calls functions': [({ models }) => models.generateContent(acme(CALLING)), 2],
    'that calls functions, streamed': [
      async ({ models }) => drain(await models.generateContentStream(acme(CALLING))),
      2,
    ],
    'in a chat': [({ chats }) => chats.create({ model: MODEL }).sendMessage(acme({ message: 'Hello' })), 1],
    'in a chat, streamed': [
      async ({ chats }) =>
        drain(await chats.create({ model: MODEL }).sendMessageStream(acme({ message: 'Hello' }))),
      1,
    ],
    'whose stream others read': [
      async ({ models }) => {
        const stream = await withAttribution({ tenant: 'acme' }, () => models.generateContentStream(CALLING));
        await withAttribution({ tenant: 'other' }, () => drain(stream));
      },
      2,
    ],
  };
  for (const set of ['google-previous', 'google-current'])
    for (const [how, [use, requests]] of Object.entries(ways))
      it(`is known of every request of Gemini ${how}, ${set}`, async function () {
        if (missingNode(set) !== undefined) this.skip();
        await withGemini(set, use);
        assert.deepEqual(tenants(), Array<string>(requests).fill('acme'));
      });

  it('is known of what a client of Mistral traces itself, as is all that its price goes by', async () => {
    await installSet('vendors-current');
    const file = join(setFolder('vendors-current'), 'node_modules/@mistralai/mistralai/esm/index.js');
    const { Mistral } = (await import(pathToFileURL(file).href)) as {
      Mistral: new (options: object) => Mistral;
    };
    const usage = { prompt_tokens: 500, completion_tokens: 3, total_tokens: 503, service_tier: 'priority' };
    const told = { ...usage, prompt_tokens_details: { cached_tokens: 400 } };
    const answer = (request: Request): Response => {
      const isStream = request.headers.get('accept') === 'text/event-stream';
      const said = { role: 'assistant', content: 'Hi' };
      const choice = { index: 0, finish_reason: 'stop', [isStream ? 'delta' : 'message']: said };
      const body = { id: 'c', object: 'chat', created: 1, model: 'm', choices: [choice], usage: told };
      return isStream
        ? new Response(`data: ${JSON.stringify(body)}\n\ndata: [DONE]\n\n`, {
            headers: { 'content-type': 'text/event-stream' },
          })
        : Response.json(body);
    };
    const { fetch } = globalThis;
    globalThis.fetch = (request) => Promise.resolve(answer(request as Request));
    process.env['MISTRAL_SDK_TELEMETRY'] = 'global';
    const instrumentation = new SdkInstrumentation(mistral);
    try {
      const client = new Mistral({ apiKey: 'test' });
      assert.equal(instrumentation.instrumentClient(client), true);
      const asked = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };
      await withAttribution({ tenant: 'other' }, () => client.chat.complete(acme(asked)));
      await drain(await client.chat.stream(acme(asked)));
    } finally {
      delete process.env['MISTRAL_SDK_TELEMETRY'];
      globalThis.fetch = fetch;
      instrumentation.disable();
    }
    assert.deepEqual(tenants(), ['acme', 'acme']);
    for (const { attributes, instrumentationScope } of lab.spans()) {
      assert.equal(instrumentationScope.name, 'mistralai_sdk_tracer');
      assert.equal(attributes['gen_ai.usage.input_tokens'], 500);
      assert.equal(attributes['gen_ai.usage.cache_read.input_tokens'], 400);
      assert.equal(attributes['gen_ai.response.service_tier'], 'priority');
    }
  });

  const usage = {
    input_tokens: 412,
    output_tokens: 37,
    iterations: [{ type: 'advisor_message', model: 'claude-opus-5', input_tokens: 100, output_tokens: 10 }],
  };
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-fable-5', content: [] };
  const events = [
    { type: 'message_start', message: { ...message, usage: { input_tokens: 412, output_tokens: 1 } } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage },
    { type: 'message_stop' },
  ];

  for (const set of ['anthropic-early', 'anthropic-current'])
    it(`is known of advice too, whoever reads the answer and however far, ${set}`, async () => {
      const { Anthropic } = await loaded<{ Anthropic: new (options: object) => Claude }>(
        set,
        '@anthropic-ai/sdk',
      );
      const fetch = (_: unknown, { body }: { readonly body: string }): Response =>
        (JSON.parse(body) as { stream?: boolean }).stream === true
          ? new Response(
              events.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join(''),
              {
                headers: { 'content-type': 'text/event-stream' },
              },
            )
          : Response.json({ ...message, stop_reason: 'end_turn', usage });
      const client = new Anthropic({ apiKey: 'test', baseURL: 'http://127.0.0.1', fetch });
      const instrumentation = new SdkInstrumentation(anthropic);
      try {
        assert.equal(instrumentation.instrumentClient(client), true);
        const asked = {
          model: 'claude-fable-5',
          max_tokens: 9,
          messages: [{ role: 'user', content: 'Hello' }],
        };
        await client.beta.messages.create(acme(asked));
        const stream = await withAttribution({ tenant: 'acme' }, () =>
          client.beta.messages.create({ ...asked, stream: true }),
        );
        await withAttribution({ tenant: 'other' }, async () => {
          for await (const event of stream as AsyncIterable<{ readonly type: string }>) {
            if (event.type === 'message_delta') break;
          }
        });
        assert.deepEqual(tenants(), ['acme', 'acme', 'acme', 'acme']);
      } finally {
        instrumentation.disable();
      }
    });
});
