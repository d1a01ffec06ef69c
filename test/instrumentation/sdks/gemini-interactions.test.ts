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

interface Interactions {
  create(request: object): Promise<{ readonly id: string }>;
  get(id: string, options?: object): Promise<{ readonly status: string }>;
  cancel(id: string): Promise<unknown>;
}

const { googleGenai } = await instrumentationFile<{ readonly googleGenai: Adapter }>('sdks/google-genai.js');

/** What calls of the real SDK are told as, where the API gives these answers, one after the other. */
async function told(
  set: string,
  answers: readonly (object | readonly object[] | number)[],
  use: (interactions: Interactions) => Promise<unknown>,
): Promise<Readonly<Record<string, unknown>>[]> {
  await installSet(set);
  const load = createRequire(join(setFolder(set), 'app.cjs'));
  const { GoogleGenAI } = load('@google/genai') as {
    GoogleGenAI: new (options: object) => { readonly interactions: Interactions };
  };
  const client = new GoogleGenAI({ apiKey: 'test' });
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const instrumentation = new SdkInstrumentation(googleGenai);
  const left = [...answers];
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.resolve(responseOf(left.shift()));
  try {
    instrumentation.setTracerProvider(provider);
    assert.equal(instrumentation.instrumentClient(client), true);
    await use(client.interactions);
    return exporter.getFinishedSpans().map(({ attributes }) => attributes);
  } finally {
    globalThis.fetch = fetch;
    instrumentation.disable();
  }
}

function responseOf(answer: unknown): Response {
  if (typeof answer === 'number') {
    return Response.json({ error: { code: answer, message: 'no' } }, { status: answer });
  }
  if (!Array.isArray(answer)) return Response.json(answer);
  const events = (answer as object[]).map((event) => `data: ${JSON.stringify(event)}\n\n`);
  return new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
}

const MODEL = 'gemini-3-pro-preview';
const USAGE = { total_input_tokens: 1000, total_output_tokens: 200, total_thought_tokens: 50 };
const ASKED = { model: MODEL, input: 'Hello' };

let made = 0;
const newId = (): string => `interaction-${process.pid}-${(made += 1)}`;

/** What prices go by, of every call: what it is, whether it waits for another, and its tokens. */
function charges(spans: readonly Readonly<Record<string, unknown>>[]): unknown[] {
  return spans.map((span) => [
    span['gen_ai.operation.name'],
    span['spanmeter.usage.deferred'],
    span['gen_ai.request.model'],
    span['gen_ai.usage.input_tokens'],
    span['gen_ai.usage.output_tokens'],
  ]);
}

const BEGUN = ['generate_content', true, MODEL, undefined, undefined];
const LOOK = ['fetch_response', undefined, undefined, undefined, undefined];
const ANSWERED = ['generate_content', undefined, MODEL, 1000, 250];

describe('what interactions of Gemini are charged', function () {
  this.timeout(300_000);

  for (const set of ['google-previous', 'google-current']) {
    it(`in the background, is told once, by the first look at what came of it, ${set}`, async function () {
      if (missingNode(set) !== undefined) this.skip();
      const id = newId();
      const running = { id, model: MODEL, status: 'in_progress' };
      const over = { id, model: MODEL, status: 'completed', steps: [], usage: USAGE };
      const spans = await told(set, [running, running, over, over, over], async (interactions) => {
        await interactions.create({ ...ASKED, background: true });
        while ((await interactions.get(id)).status !== 'completed');
        await interactions.get(id);
        await interactions.cancel(id);
      });
      assert.deepEqual(charges(spans), [BEGUN, LOOK, ANSWERED, LOOK, LOOK]);
      assert.deepEqual([...new Set(spans.map((span) => span['gen_ai.response.id']))], [id]);
    });

    it(`in the background, is told by its stream, or by the one that goes on with it, ${set}`, async function () {
      if (missingNode(set) !== undefined) this.skip();
      const event = (id: string, status: string, usage?: object): object => ({
        event_type: status === 'completed' ? 'interaction.completed' : 'interaction.created',
        interaction: { id, model: MODEL, status, ...(usage === undefined ? {} : { usage }) },
      });
      const [cut, whole] = [newId(), newId()];
      const answers = [
        [event(cut, 'in_progress')],
        [event(cut, 'completed', USAGE)],
        [event(whole, 'in_progress'), event(whole, 'completed', USAGE)],
        { id: whole, model: MODEL, status: 'completed', steps: [], usage: USAGE },
      ];
      const spans = await told(set, answers, async (interactions) => {
        const read = async (stream: unknown): Promise<void> => {
          for await (const _ of stream as AsyncIterable<unknown>);
        };
        const asked = { ...ASKED, background: true, stream: true };
        await read(await interactions.create(asked));
        await read(await interactions.get(cut, { stream: true, last_event_id: 'e1' }));
        await read(await interactions.create(asked));
        await interactions.get(whole);
      });
      assert.deepEqual(charges(spans), [BEGUN, ANSWERED, ANSWERED, LOOK]);
    });

    it(`in the foreground, is told by it alone, ${set}`, async function () {
      if (missingNode(set) !== undefined) this.skip();
      const id = newId();
      const over = { id, model: MODEL, status: 'completed', steps: [], usage: USAGE };
      const spans = await told(set, [over, over], async (interactions) => {
        await interactions.create(ASKED);
        await interactions.get(id);
      });
      assert.deepEqual(charges(spans), [ANSWERED, LOOK]);
    });
  }

  it('before a continuation failed, is told of what failed', async function () {
    const set = 'google-current';
    if (missingNode(set) !== undefined) this.skip();
    const half = { status: 'requires_continuation', continuation_token: 'half', steps: [], usage: USAGE };
    const [span] = await told(set, [{ id: newId(), model: MODEL, ...half }, 400], (interactions) =>
      assert.rejects(interactions.create(ASKED), /interrupted/),
    );
    assert.deepEqual(charges([span ?? {}]), [ANSWERED]);
    assert.equal(span?.['error.type'], 'ContinuationInterruptedError');
  });
});
