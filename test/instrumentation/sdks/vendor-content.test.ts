import assert from 'node:assert/strict';
import { instrumentationFile } from '../../support/instrumentation-source.ts';

interface Kind {
  stream(capture: boolean): { read(chunk: unknown): boolean; messages(): unknown };
  readonly content: {
    input(body: unknown): unknown;
    system(body: unknown): unknown;
    tools(body: unknown): unknown;
    output(response: unknown): unknown;
  };
}

async function kindOf(file: string, name: string): Promise<Kind> {
  const all = await instrumentationFile<Record<string, Kind>>(`sdks/${file}.js`);
  const kind = all[name];
  assert.ok(kind !== undefined, name);
  return kind;
}

function streamed(kind: Pick<Kind, 'stream'>, chunks: readonly unknown[]): unknown {
  const reader = kind.stream(true);
  for (const chunk of chunks) reader.read(chunk);
  return reader.messages();
}

const text = (content: string): object => ({ type: 'text', content });
const call = (id: string | undefined, args: unknown): object => ({
  type: 'tool_call',
  id,
  name: 'lookup',
  arguments: args,
});

describe('what was said to and by Gemini', () => {
  it('has roles and parts, of text by itself too', async () => {
    const { content } = await kindOf('google/gemini', 'GENERATE');
    assert.deepEqual(content.input({ contents: 'Hello' }), [{ role: 'user', parts: [text('Hello')] }]);
    assert.deepEqual(
      content.input({ contents: ['Hello', { inlineData: { data: 'aGk=', mimeType: 'image/png' } }] }),
      [
        {
          role: 'user',
          parts: [
            text('Hello'),
            { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'aGk=' },
          ],
        },
      ],
    );
    const history = [
      { role: 'user', parts: [{ text: 'Look' }] },
      { role: 'model', parts: [{ functionCall: { id: '1', name: 'lookup', args: { q: 1 } } }] },
      { role: 'user', parts: [{ functionResponse: { id: '1', name: 'lookup', response: { ok: true } } }] },
    ];
    assert.deepEqual(content.input({ contents: history }), [
      { role: 'user', parts: [text('Look')] },
      { role: 'assistant', parts: [call('1', { q: 1 })] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: '1', response: { ok: true } }] },
    ]);
  });

  it('has instructions and tools of the config', async () => {
    const { content } = await kindOf('google/gemini', 'GENERATE');
    const config = { systemInstruction: 'Be brief', tools: [{ functionDeclarations: [{ name: 'lookup' }] }] };
    assert.deepEqual(content.system({ config }), [text('Be brief')]);
    assert.deepEqual(content.tools({ config }), [{ name: 'lookup' }]);
  });

  it('is put together from a stream, thoughts apart', async () => {
    const chunk = (part: object, finishReason?: string): object => ({
      candidates: [{ content: { role: 'model', parts: [part] }, finishReason }],
    });
    const said = streamed(await kindOf('google/gemini', 'GENERATE_STREAM'), [
      chunk({ text: 'Hm', thought: true }),
      chunk({ text: '…', thought: true }),
      chunk({ text: 'Yes' }),
      chunk({ text: '.' }, 'STOP'),
    ]);
    assert.deepEqual(said, [
      {
        role: 'assistant',
        finish_reason: 'STOP',
        parts: [{ type: 'reasoning', content: 'Hm…' }, text('Yes.')],
      },
    ]);
  });

  it('has the steps of an interaction', async () => {
    const { content } = await kindOf('google/interactions', 'INTERACTION');
    const result = { type: 'function_result', call_id: '1', result: 'sunny' };
    assert.deepEqual(content.input({ input: [{ type: 'text', text: 'Hello' }, result] }), [
      { role: 'user', parts: [text('Hello')] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: '1', response: 'sunny' }] },
    ]);
    const steps = [
      { type: 'user_input', content: [{ type: 'text', text: 'Hello' }] },
      { type: 'thought', summary: [{ type: 'text', text: 'Hm' }] },
      { type: 'model_output', content: [{ type: 'text', text: 'Yes' }] },
    ];
    assert.deepEqual(content.output({ steps }), [
      { role: 'assistant', parts: [{ type: 'reasoning', content: 'Hm' }, text('Yes')] },
    ]);
  });
});

describe('what was said to and by Mistral', () => {
  it('has roles, pieces, thinking and calls of tools', async () => {
    const { content } = await kindOf('mistral/completions', 'CHAT');
    const messages = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', imageUrl: 'http://a/b' },
        ],
      },
      { role: 'assistant', toolCalls: [{ id: '1', function: { name: 'lookup', arguments: '{}' } }] },
      { role: 'tool', toolCallId: '1', content: 'found' },
    ];
    assert.deepEqual(content.input({ messages }), [
      { role: 'user', parts: [text('See'), { type: 'uri', modality: 'image', uri: 'http://a/b' }] },
      { role: 'assistant', parts: [call('1', '{}')] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: '1', response: 'found' }] },
    ]);
    const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] };
    const message = { role: 'assistant', content: [thinking, { type: 'text', text: 'Yes' }] };
    assert.deepEqual(content.output({ choices: [{ message, finishReason: 'stop' }] }), [
      {
        role: 'assistant',
        parts: [{ type: 'reasoning', content: 'Hm' }, text('Yes')],
        finish_reason: 'stop',
      },
    ]);
  });

  it('is put together from a stream, arguments of calls too', async () => {
    const event = (delta: object, finishReason?: string): object => ({
      data: { choices: [{ index: 0, delta, finishReason }] },
    });
    const said = streamed(await kindOf('mistral/completions', 'CHAT_STREAM'), [
      event({ role: 'assistant', content: 'Let ' }),
      event({ content: 'me see' }),
      event({ toolCalls: [{ id: '1', index: 0, function: { name: 'lookup', arguments: '{"q"' } }] }),
      event({ toolCalls: [{ index: 0, function: { name: '', arguments: ':1}' } }] }, 'tool_calls'),
    ]);
    assert.deepEqual(said, [
      { role: 'assistant', parts: [text('Let me see'), call('1', '{"q":1}')], finish_reason: 'tool_calls' },
    ]);
  });
});

describe('what was said to and by Cohere', () => {
  it('is put together from the events of version 2', async () => {
    const said = streamed(await kindOf('cohere/chat-v2', 'CHAT_STREAM_V2'), [
      { type: 'tool-plan-delta', delta: { message: { toolPlan: 'Look.' } } },
      {
        type: 'tool-call-start',
        index: 0,
        delta: { message: { toolCalls: { id: '1', function: { name: 'lookup', arguments: '' } } } },
      },
      {
        type: 'tool-call-delta',
        index: 0,
        delta: { message: { toolCalls: { function: { arguments: '{"q":1}' } } } },
      },
      { type: 'message-end', delta: { finishReason: 'TOOL_CALL' } },
    ]);
    assert.deepEqual(said, [
      {
        role: 'assistant',
        parts: [{ type: 'reasoning', content: 'Look.' }, call('1', '{"q":1}')],
        finish_reason: 'TOOL_CALL',
      },
    ]);
  });

  it('has the history, the preamble and the message of version 1', async () => {
    const { content } = await kindOf('cohere/chat-v1', 'CHAT_V1');
    const body = {
      preamble: 'Be brief',
      chatHistory: [{ role: 'CHATBOT', message: 'Hi' }],
      message: 'Hello',
    };
    assert.deepEqual(content.system(body), [text('Be brief')]);
    assert.deepEqual(content.input(body), [
      { role: 'assistant', parts: [text('Hi')] },
      { role: 'user', parts: [text('Hello')] },
    ]);
    assert.deepEqual(content.output({ text: 'Yes', finishReason: 'COMPLETE' }), [
      { role: 'assistant', parts: [text('Yes')], finish_reason: 'COMPLETE' },
    ]);
  });
});

describe('what was said to and by Ollama', () => {
  it('has messages of chats and prompts of generations', async () => {
    const { ollama } = await instrumentationFile<{ ollama: { methods: { name: string; kind: Kind }[] } }>(
      'sdks/ollama.js',
    );
    const [chat, generate] = ['chat', 'generate'].map(
      (wanted) => ollama.methods.find(({ name }) => name === wanted)!.kind,
    );
    assert.deepEqual(
      chat!.content.input({ messages: [{ role: 'user', content: 'See', images: ['aGk='] }] }),
      [{ role: 'user', parts: [text('See'), { type: 'blob', modality: 'image', content: 'aGk=' }] }],
    );
    assert.deepEqual(generate!.content.input({ prompt: 'Hello' }), [
      { role: 'user', parts: [text('Hello')] },
    ]);
    assert.deepEqual(
      streamed(chat!, [
        { message: { role: 'assistant', thinking: 'Hm' } },
        { message: { content: 'Ye' } },
        { message: { content: 's' }, done: true, done_reason: 'stop' },
      ]),
      [
        {
          role: 'assistant',
          parts: [{ type: 'reasoning', content: 'Hm' }, text('Yes')],
          finish_reason: 'stop',
        },
      ],
    );
  });

  it('has a call of a tool, and no text where none was streamed', async () => {
    const { ollama } = await instrumentationFile<{ ollama: { methods: { name: string; kind: Kind }[] } }>(
      'sdks/ollama.js',
    );
    const chat = ollama.methods.find(({ name }) => name === 'chat')!.kind;
    const calls = [{ function: { name: 'lookup', arguments: { q: 1 } } }, { function: { name: 'lookup' } }];
    assert.deepEqual(
      streamed(chat, [
        { message: { role: 'assistant', content: '', tool_calls: calls } },
        { message: { role: 'assistant', content: '' }, done: true },
      ]),
      [{ role: 'assistant', parts: [call(undefined, { q: 1 }), call(undefined, undefined)] }],
    );
  });
});

describe('what was said by models of LangChain in a stream', () => {
  type Reader = ReturnType<Kind['stream']>;
  type Readers = Record<'ChunkReader' | 'EventReader', new (provider: string, capture: boolean) => Reader>;
  const readers = instrumentationFile<Readers>('sdks/langchain/model-streams.js');

  it('has the pieces of a call joined, and calls that come whole apart', async () => {
    const { ChunkReader } = await readers;
    const kind = (capture: boolean): Reader => new ChunkReader('openai', capture);
    const chunks = [
      { content: 'Ye', tool_call_chunks: [{ index: 0, id: '1', name: 'lookup', args: '{"q"' }] },
      { content: [{ type: 'text', text: 's' }], tool_call_chunks: [{ index: 0, args: ':1}' }] },
      { content: '', tool_call_chunks: [{ id: '2', name: 'lookup', args: '{}' }] },
      { content: '', tool_call_chunks: [{ id: '3', name: 'lookup', args: '[]' }] },
    ];
    assert.deepEqual(streamed({ stream: kind }, chunks), [
      {
        role: 'assistant',
        parts: [text('Yes'), call('1', '{"q":1}'), call('2', '{}'), call('3', '[]')],
      },
    ]);
  });

  it('has the text and the finished calls of events', async () => {
    const { EventReader } = await readers;
    const kind = (capture: boolean): Reader => new EventReader('openai', capture);
    const finished = (id: string): object => ({
      event: 'content-block-finish',
      content: { type: 'tool_call', id, name: 'lookup', args: { q: 1 } },
    });
    const delta = { event: 'content-block-delta', delta: { type: 'text-delta', text: 'Yes' } };
    assert.deepEqual(streamed({ stream: kind }, [delta, finished('1'), finished('2')]), [
      { role: 'assistant', parts: [text('Yes'), call('1', { q: 1 }), call('2', { q: 1 })] },
    ]);
  });

  it('is kept only where it is wanted', async () => {
    const { ChunkReader } = await readers;
    const reader = new ChunkReader('openai', false);
    reader.read({ content: 'Yes', tool_call_chunks: [] });
    assert.deepEqual(reader.messages(), []);
  });
});
