import assert from 'node:assert/strict';
import * as sdk from 'openai';
import {
  attributed,
  createInstrumentations,
  withAttribution,
  type SdkInstrumentation,
} from '@spanmeter/instrumentation';
import { globalLab, type GlobalLab } from './global-lab.ts';

const IMAGE_GEN = { input_tokens: 30, output_tokens: 70, total_tokens: 100 };
const TOOLS: sdk.OpenAI.Responses.Tool[] = [{ type: 'image_generation', model: 'gpt-image-1' }];

function response(more: object): Record<string, unknown> {
  const usage = { input_tokens: 300, output_tokens: 40, total_tokens: 340 };
  const made = {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    model: 'gpt-5',
    output: [],
    tools: TOOLS,
  };
  return { ...made, usage, tool_usage: { image_gen: IMAGE_GEN }, ...more };
}

function streamOf(events: readonly object[]): Response {
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

describe('what a response costs', () => {
  let openai: SdkInstrumentation | undefined;
  let lab: GlobalLab;
  let toldBefore = 0;
  let answers: Response[] = [];
  const client = new sdk.OpenAI({
    apiKey: 'sk-test',
    baseURL: 'https://api.openai.com/v1',
    fetch: () => Promise.resolve(answers.shift() ?? Response.error()),
  });
  const request = { model: 'gpt-5', input: 'Draw.', tools: TOOLS } as const;

  before(() => {
    lab = globalLab();
    openai = createInstrumentations({ enabled: false }).find((each) => each.sdk === 'openai');
    openai?.enable();
    openai?.manuallyInstrument(sdk);
  });
  beforeEach(() => {
    toldBefore = lab.spans().length;
  });
  after(async () => {
    openai?.disable();
    await lab.close();
  });

  const told = (): unknown[] =>
    lab
      .spans()
      .slice(toldBefore)
      .map(({ attributes }) => [
        attributes['gen_ai.operation.name'],
        attributes['gen_ai.usage.output_tokens'],
        attributes['tenant.id'],
        attributes['spanmeter.feature'],
      ]);

  for (const streamed of [false, true]) {
    it(`is for whom it was begun${streamed ? ' as a stream' : ''}, whoever finds it finished`, async () => {
      const id = `resp_background_${streamed}`;
      const queued = response({ id, background: true, status: 'queued', usage: null, tool_usage: null });
      const begin = { ...request, background: true };
      answers = [
        streamed ? streamOf([{ type: 'response.created', response: queued }]) : Response.json(queued),
        Response.json(response({ id, background: true })),
      ];
      await withAttribution({ tenant: 'acme', feature: 'pictures' }, async () => {
        if (streamed) {
          for await (const event of await client.responses.create({ ...begin, stream: true })) void event;
        } else await client.responses.create(begin);
      });
      await withAttribution({ feature: 'poller' }, () => client.responses.retrieve(id));
      assert.deepEqual(told(), [
        ['chat', undefined, 'acme', 'pictures'],
        ['image_generation', 70, 'acme', 'pictures'],
        ['chat', 40, 'acme', 'pictures'],
      ]);
    });
  }

  it('is for whom its own parameters say, with the images that it made', async () => {
    const last = { type: 'response.completed', response: response({}) };
    answers = [Response.json(response({})), streamOf([last])];
    const own = { tenant: 'acme' };
    await client.responses.create(attributed(request, own));
    const stream = await client.responses.create(attributed({ ...request, stream: true as const }, own));
    await withAttribution({ tenant: 'reader' }, async () => {
      for await (const event of stream) void event;
    });
    const both = [
      ['image_generation', 70, 'acme', undefined],
      ['chat', 40, 'acme', undefined],
    ];
    assert.deepEqual(told(), [...both, ...both]);
  });
});
