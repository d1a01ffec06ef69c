import assert from 'node:assert/strict';

interface Reader {
  readonly input: (body: unknown) => readonly unknown[];
  readonly system?: (body: unknown) => readonly unknown[];
  readonly tools?: (body: unknown) => readonly unknown[];
  readonly output: (response: unknown) => readonly unknown[];
}

interface Stream {
  read(chunk: unknown): boolean;
  readonly messages?: () => readonly unknown[];
}

type StreamClass = new (capture: boolean) => Stream;

/** Internal to the package: apps reach it only by making calls. */
async function internal(file: string): Promise<Readonly<Record<string, unknown>>> {
  const url = new URL(`../../../../instrumentation/dist/sdks/${file}.js`, import.meta.url);
  return (await import(url.href)) as Readonly<Record<string, unknown>>;
}

const [anthropic, anthropicStream, bedrock, bedrockStream] = await Promise.all(
  [
    'anthropic/message-content',
    'anthropic/message-stream',
    'bedrock/converse-content',
    'bedrock/converse',
  ].map(internal),
);
const MESSAGE_CONTENT = anthropic?.['MESSAGE_CONTENT'] as Reader;
const CONVERSE_CONTENT = bedrock?.['CONVERSE_CONTENT'] as Reader;
const MessageStreamReader = anthropicStream?.['MessageStreamReader'] as StreamClass;
const ConverseReader = bedrockStream?.['ConverseReader'] as StreamClass;

const QUESTION = {
  system: 'Be brief.',
  tools: [{ name: 'lookup', input_schema: { type: 'object' } }],
  messages: [
    { role: 'user', content: 'hi' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'tool_use', id: 't1', name: 'lookup', input: { q: 1 } },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 't1', content: 'found' },
        { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      ],
    },
  ],
};

const ANSWER = [
  {
    role: 'assistant',
    parts: [
      { type: 'text', content: 'one two' },
      { type: 'tool_call', id: 't2', name: 'lookup', arguments: { q: 2 } },
    ],
    finish_reason: 'tool_use',
  },
];

function streamed(): Stream {
  const reader = new MessageStreamReader(true);
  const delta = (more: object): unknown => ({ type: 'content_block_delta', delta: more });
  const use = { type: 'tool_use', id: 't2', name: 'lookup', input: {} };
  for (const event of [
    { type: 'message_start', message: { id: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
    { type: 'content_block_start', content_block: { type: 'text', text: '' } },
    delta({ type: 'text_delta', text: 'one ' }),
    delta({ type: 'text_delta', text: 'two' }),
    { type: 'content_block_start', content_block: use },
    delta({ type: 'input_json_delta', partial_json: '{"q"' }),
    delta({ type: 'input_json_delta', partial_json: ':2}' }),
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 7 } },
  ]) {
    reader.read(event);
  }
  return reader;
}

describe('content of Anthropic messages', () => {
  it('is read into roles and parts', () => {
    assert.deepEqual(MESSAGE_CONTENT.input(QUESTION), [
      { role: 'user', parts: [{ type: 'text', content: 'hi' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'tool_call', id: 't1', name: 'lookup', arguments: { q: 1 } },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'tool_call_response', id: 't1', response: 'found' },
          { type: 'uri', modality: 'image', uri: 'https://example.com/a.png' },
        ],
      },
    ]);
    assert.deepEqual(MESSAGE_CONTENT.system?.(QUESTION), [{ type: 'text', content: 'Be brief.' }]);
    assert.deepEqual(MESSAGE_CONTENT.tools?.(QUESTION), QUESTION.tools);
    const content = [
      { type: 'text', text: 'one two' },
      { type: 'tool_use', id: 't2', name: 'lookup', input: { q: 2 } },
    ];
    assert.deepEqual(MESSAGE_CONTENT.output({ content, stop_reason: 'tool_use' }), ANSWER);
  });

  it('is put together from a stream, and only where it is wanted', () => {
    assert.deepEqual(streamed().messages?.(), ANSWER);
    assert.equal(new MessageStreamReader(false).messages, undefined);
  });

  it('survives what is no message', () => {
    for (const odd of [undefined, null, 7, 'text', [], { messages: 'hi' }, { messages: [null, 7, {}] }]) {
      assert.ok(Array.isArray(MESSAGE_CONTENT.input(odd)));
      assert.ok(Array.isArray(MESSAGE_CONTENT.output(odd)));
      assert.ok(Array.isArray(CONVERSE_CONTENT.input(odd)));
      assert.ok(Array.isArray(CONVERSE_CONTENT.output(odd)));
    }
  });
});

describe('content of Bedrock', () => {
  it('is read into roles and parts', () => {
    const messages = [
      { role: 'user', content: [{ text: 'hi' }] },
      { role: 'user', content: [{ toolResult: { toolUseId: 't1', content: [{ text: 'found' }] } }] },
    ];
    assert.deepEqual(CONVERSE_CONTENT.input({ messages }), [
      { role: 'user', parts: [{ type: 'text', content: 'hi' }] },
      { role: 'user', parts: [{ type: 'tool_call_response', id: 't1', response: [{ text: 'found' }] }] },
    ]);
  });

  it('is put together from a stream', () => {
    const reader = new ConverseReader(true);
    const delta = (more: object): unknown => ({ contentBlockDelta: { delta: more } });
    for (const event of [
      { messageStart: { role: 'assistant' } },
      delta({ reasoningContent: { text: 'h' } }),
      delta({ reasoningContent: { text: 'm' } }),
      delta({ text: 'one ' }),
      delta({ text: 'two' }),
      { contentBlockStart: { start: { toolUse: { toolUseId: 't2', name: 'lookup' } } } },
      delta({ toolUse: { input: '{"q"' } }),
      delta({ toolUse: { input: ':2}' } }),
      { messageStop: { stopReason: 'tool_use' } },
    ]) {
      reader.read(event);
    }
    assert.deepEqual(reader.messages?.(), [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'text', content: 'one two' },
          { type: 'tool_call', id: 't2', name: 'lookup', arguments: '{"q":2}' },
        ],
        finish_reason: 'tool_use',
      },
    ]);
  });
});
