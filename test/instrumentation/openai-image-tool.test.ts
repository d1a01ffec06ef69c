import assert from 'node:assert/strict';
import { createInstrumentations } from '@spanmeter/instrumentation';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import * as sdk from 'openai';

const USAGE = {
  input_tokens: 300,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 40,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 340,
};
const IMAGE_GEN = {
  input_tokens: 30,
  input_tokens_details: { image_tokens: 10, text_tokens: 20 },
  output_tokens: 70,
  output_tokens_details: { image_tokens: 70, text_tokens: 0 },
  total_tokens: 100,
};
const SVG = { model: 'gpt-5.4', input_tokens: 11, output_tokens: 21, reasoning_tokens: 5, total_tokens: 32 };
const IMAGES = { created: 1, data: [{ b64_json: '' }], usage: IMAGE_GEN, svg_usage: SVG };
const TOOLS: sdk.OpenAI.Responses.Tool[] = [{ type: 'image_generation', model: 'gpt-image-1' }];

function answer(more: object): Record<string, unknown> {
  const web_search = { num_requests: 0 };
  const response = {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    model: 'gpt-5',
    output: [],
    tools: TOOLS,
  };
  return { ...response, usage: USAGE, tool_usage: { image_gen: IMAGE_GEN, web_search }, ...more };
}

describe('images that a response makes by its tool', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const [openai] = createInstrumentations({ enabled: false }).filter((each) => each.sdk === 'openai');
  let answers: (() => Response)[] = [];
  const client = new sdk.OpenAI({
    apiKey: 'sk-test',
    baseURL: 'https://api.openai.com/v1',
    fetch: () => Promise.resolve(answers.shift()?.() ?? Response.error()),
  });
  const request = { model: 'gpt-5', input: 'Draw.', tools: TOOLS } as const;

  before(() => {
    openai?.setTracerProvider(provider);
    openai?.enable();
    openai?.manuallyInstrument(sdk);
  });
  beforeEach(() => exporter.reset());
  after(() => openai?.disable());

  function told(): unknown[] {
    return exporter
      .getFinishedSpans()
      .map(({ name, attributes }) => [name, attributes['gen_ai.usage.output_tokens']])
      .toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));
  }

  const BOTH = [
    ['chat gpt-5', 40],
    ['image_generation gpt-image-1', 70],
  ];

  it('are told in a span of their own, under the model that they are charged at', async () => {
    answers = [() => Response.json(answer({}))];
    await client.responses.create(request);
    assert.deepEqual(told(), BOTH);
    const images = exporter.getFinishedSpans().find(({ name }) => name.startsWith('image_generation'));
    assert.equal(images?.attributes['gen_ai.provider.name'], 'openai');
    assert.equal(images?.attributes['gen_ai.usage.input_tokens'], 30);
    assert.equal(images?.attributes['gen_ai.usage.image.input_tokens'], 10);
    assert.equal(images?.attributes['gen_ai.usage.image.output_tokens'], 70);
    assert.equal(images?.attributes['gen_ai.response.id'], undefined);
  });

  it('are told of a stream, too', async () => {
    const event = { type: 'response.completed', sequence_number: 1, response: answer({}) };
    const body = `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    answers = [() => new Response(body, { headers: { 'content-type': 'text/event-stream' } })];
    for await (const each of await client.responses.create({ ...request, stream: true })) void each;
    assert.deepEqual(told(), BOTH);
  });

  it('are told once of a response in the background, by whoever tells its usage', async () => {
    const background = { id: 'resp_2', background: true };
    answers = [
      () => Response.json(answer({ ...background, status: 'queued', usage: null, tool_usage: null })),
      () => Response.json(answer(background)),
      () => Response.json(answer(background)),
    ];
    await client.responses.create({ ...request, background: true });
    await client.responses.retrieve('resp_2');
    await client.responses.retrieve('resp_2');
    assert.deepEqual(told(), [
      ['chat gpt-5', undefined],
      ['fetch_response', 40],
      ['fetch_response', undefined],
      ['image_generation gpt-image-1', 70],
    ]);
  });

  it('are told with what was written for a drawing, under the model that wrote it', async () => {
    const output = [{ type: 'image_generation_call', id: 'ig_1', status: 'completed', svg_usage: SVG }];
    answers = [() => Response.json(answer({ output })), () => Response.json(IMAGES)];
    await client.responses.create(request);
    assert.deepEqual(told(), [BOTH[0], ['chat gpt-5.4', 21], BOTH[1]]);
    exporter.reset();
    await client.images.generate({ model: 'gpt-image-1', prompt: 'Draw.' });
    assert.deepEqual(told(), [['chat gpt-5.4', 21], BOTH[1]]);
    const [drawing] = exporter.getFinishedSpans().filter(({ name }) => name.startsWith('chat'));
    assert.equal(drawing?.attributes['gen_ai.usage.input_tokens'], 11);
    assert.equal(drawing?.attributes['gen_ai.usage.reasoning.output_tokens'], 5);
    assert.equal(drawing?.attributes['gen_ai.provider.name'], 'openai');
  });

  it('are nothing where none were made', async () => {
    const web_search = { num_requests: 0 };
    const none = { ...IMAGE_GEN, input_tokens: 0, output_tokens: 0, total_tokens: 0 };
    answers = [() => Response.json(answer({ tool_usage: { image_gen: none, web_search } }))];
    await client.responses.create(request);
    assert.deepEqual(told(), [['chat gpt-5', 40]]);
  });
});
