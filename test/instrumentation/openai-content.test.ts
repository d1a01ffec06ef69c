import assert from 'node:assert/strict';
import { AzureOpenAI, OpenAI } from 'openai';

interface Message {
  readonly role: string;
  readonly parts: readonly Record<string, unknown>[];
  readonly finish_reason?: string;
}

interface ContentReader {
  readonly input: (body: unknown) => readonly Message[];
  readonly system?: (body: unknown) => readonly unknown[];
  readonly tools?: (body: unknown) => readonly unknown[];
  readonly output: (response: unknown) => readonly Message[];
}

interface StreamReader {
  read(chunk: unknown): boolean;
  attributes(): Record<string, unknown>;
  messages?(): readonly Message[];
}

interface CallKind {
  readonly stream: (capture: boolean, asked: boolean) => StreamReader;
}

interface Adapter {
  readonly exportsOf: (client: unknown) => { readonly OpenAI: unknown } | undefined;
}

/** The package exports only what apps need. */
async function load<T>(file: string): Promise<T> {
  return (await import(new URL(`../../../instrumentation/dist/sdks/${file}`, import.meta.url).href)) as T;
}

const { CHAT_CONTENT, COMPLETION_CONTENT } =
  await load<Record<string, ContentReader>>('openai-chat-content.js');
const { RESPONSES_CONTENT } = await load<{ RESPONSES_CONTENT: ContentReader }>('openai-responses-content.js');
const { chatKind } = await load<{ chatKind: (vendor: string) => CallKind }>('openai-chat.js');
const { responsesKind } = await load<{ responsesKind: () => CallKind }>('openai-responses.js');

const RESPONSES = responsesKind();
const { openai } = await load<{ openai: Adapter }>('openai.js');

const text = (content: string): object => ({ type: 'text', content });
const call = { type: 'tool_call', id: 'call_1', name: 'lookup', arguments: '{"q":1}' };
const toolCall = {
  index: 0,
  id: 'call_1',
  type: 'function',
  function: { name: 'lookup', arguments: '{"q":1}' },
};

describe('the content of chat completions', () => {
  it('is messages of typed parts', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const audio = { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } };
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Look.' }, image, audio] },
      { role: 'assistant', content: null, tool_calls: [toolCall] },
      { role: 'tool', tool_call_id: 'call_1', content: 'seen' },
    ];
    assert.deepEqual(CHAT_CONTENT?.input({ messages }), [
      { role: 'system', parts: [text('Be brief.')] },
      {
        role: 'user',
        parts: [
          text('Look.'),
          { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAAA' },
          { type: 'blob', modality: 'audio', mime_type: 'audio/wav', content: 'BBBB' },
        ],
      },
      { role: 'assistant', parts: [call] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: 'seen' }] },
    ]);
  });

  it('is the answers with the reasons for which they ended', () => {
    const message = { role: 'assistant', content: 'Yes.', reasoning_content: 'Hm.' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    assert.deepEqual(CHAT_CONTENT?.output({ choices }), [
      {
        role: 'assistant',
        parts: [{ type: 'reasoning', content: 'Hm.' }, text('Yes.')],
        finish_reason: 'stop',
      },
    ]);
  });

  it('is put together from a stream, only where it is captured', () => {
    const chunks = [
      { choices: [{ index: 0, delta: { role: 'assistant', content: 'Y' } }] },
      { choices: [{ index: 0, delta: { content: 'es.' } }] },
      {
        choices: [
          {
            index: 0,
            delta: { tool_calls: [{ ...toolCall, function: { name: 'lookup', arguments: '{"q"' } }] },
          },
        ],
      },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
    ];
    const reader = chatKind('openai').stream(true, false);
    for (const chunk of chunks) reader.read(chunk);
    assert.deepEqual(reader.messages?.(), [
      { role: 'assistant', parts: [text('Yes.'), call], finish_reason: 'tool_calls' },
    ]);
    assert.equal(Reflect.get(chatKind('openai').stream(false, false), 'messages'), undefined);
  });

  it('is nothing where a request or a response is none', () => {
    for (const nothing of [undefined, null, 'text', [], { messages: 'x', choices: 7 }, { choices: [null] }]) {
      assert.deepEqual(CHAT_CONTENT?.input(nothing), []);
      assert.deepEqual(CHAT_CONTENT?.output(nothing), []);
      assert.deepEqual(COMPLETION_CONTENT?.output(nothing), []);
      assert.deepEqual(RESPONSES_CONTENT.input(nothing), []);
      assert.deepEqual(RESPONSES_CONTENT.output(nothing), []);
    }
  });
});

describe('the content of responses', () => {
  const output = [
    { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
    { type: 'function_call', call_id: 'call_1', name: 'lookup', arguments: '{"q":1}' },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Yes.' }] },
  ];
  const answer = [{ role: 'assistant', parts: [{ type: 'reasoning', content: 'Hm.' }, call, text('Yes.')] }];

  it('is items as messages, and instructions apart', () => {
    const input = [
      { role: 'user', content: 'Look.' },
      { type: 'function_call_output', call_id: 'call_1', output: 'seen' },
    ];
    const body = { instructions: 'Be brief.', input };
    assert.deepEqual(RESPONSES_CONTENT.system?.(body), [text('Be brief.')]);
    assert.deepEqual(RESPONSES_CONTENT.input(body), [
      { role: 'user', parts: [text('Look.')] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: 'seen' }] },
    ]);
    assert.deepEqual(RESPONSES_CONTENT.input({ input: 'Look.' }), [{ role: 'user', parts: [text('Look.')] }]);
    assert.deepEqual(RESPONSES_CONTENT.output({ output }), answer);
  });

  it('is put together from the items of a stream', () => {
    const reader = RESPONSES.stream(true, false);
    for (const item of output) reader.read({ type: 'response.output_item.done', item });
    assert.deepEqual(reader.messages?.(), answer);
  });
});

describe('what streams tell', () => {
  it('is the last usage of 100,000 chunks that each have a growing total', () => {
    const reader = chatKind('openai').stream(false, false);
    for (let sent = 1; sent <= 100_000; sent += 1) {
      const usage = { prompt_tokens: 10, completion_tokens: sent };
      reader.read({ id: 'a', model: 'm', choices: [{ index: 0, delta: { content: 'x' } }], usage });
    }
    assert.equal(reader.attributes()['gen_ai.usage.output_tokens'], 100_000);
  });

  it('skips the empty model with which a stream of Azure begins', () => {
    const reader = chatKind('openai').stream(false, false);
    reader.read({ id: '', model: '', choices: [], prompt_filter_results: [] });
    reader.read({ id: 'chatcmpl-1', model: 'gpt-4o', choices: [{ index: 0, delta: { content: 'Yes.' } }] });
    const attributes = reader.attributes();
    assert.equal(attributes['gen_ai.response.model'], 'gpt-4o');
    assert.equal(attributes['gen_ai.response.id'], 'chatcmpl-1');
  });

  it('is nothing of chunks that are none', () => {
    for (const kind of [chatKind('openai'), RESPONSES]) {
      const reader = kind.stream(true, true);
      const odd = [
        null,
        'x',
        [],
        { choices: [null, { index: -1, delta: 'x' }, { index: 1e9 }] },
        { response: 7 },
      ];
      for (const chunk of [...odd, { usage: 'x', choices: [{ delta: { tool_calls: [null, 3] } }] }])
        reader.read(chunk);
      assert.equal(reader.attributes()['gen_ai.usage.output_tokens'], undefined);
      assert.ok(Array.isArray(reader.messages?.()));
    }
  });
});

describe("a bundled app's client", () => {
  it('is known by what its class holds, whatever the class is called', () => {
    class E extends OpenAI {}
    const options = { apiKey: 'sk-test', baseURL: 'http://127.0.0.1:1' };
    for (const client of [new OpenAI(options), OpenAI, new E(options)]) {
      assert.equal(openai.exportsOf(client)?.OpenAI, OpenAI);
    }
    const azure = new AzureOpenAI({ ...options, apiVersion: '2025-01-01' });
    assert.equal(openai.exportsOf(azure)?.OpenAI, OpenAI);
    for (const other of [{}, null, undefined, Map, new Map(), 'OpenAI']) {
      assert.equal(openai.exportsOf(other), undefined);
    }
  });
});
