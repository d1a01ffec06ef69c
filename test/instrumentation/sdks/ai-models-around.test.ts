import assert from 'node:assert/strict';
import { createInstrumentations, type SdkInstrumentation } from '@spanmeter/instrumentation';
import { globalLab, type GlobalLab } from '../global-lab.ts';

interface Answer {
  readonly stream?: ReadableStream<unknown>;
}

type Ask = (options?: unknown) => Promise<Answer>;

interface Model {
  readonly provider: string;
  readonly modelId: string;
  readonly doGenerate: Ask;
  readonly doStream: Ask;
}

function usageOf(outputTokens: number): object {
  return { finishReason: 'stop', usage: { inputTokens: 7, outputTokens } };
}

/** A model as a provider's package has one; it fails where it is to write nothing. */
class ProviderModel implements Model {
  readonly specificationVersion: string = 'v2';
  readonly provider: string;
  readonly modelId: string;
  readonly #writes: number;

  constructor(provider: string, modelId: string, writes: number) {
    this.provider = provider;
    this.modelId = modelId;
    this.#writes = writes;
  }

  async doGenerate(): Promise<Answer> {
    await Promise.resolve();
    if (this.#writes === 0) throw new Error('overloaded');
    return {
      ...usageOf(this.#writes),
      response: { id: `r-${this.modelId}`, modelId: this.modelId },
    } as Answer;
  }

  async doStream(): Promise<Answer> {
    await this.doGenerate();
    return { stream: ReadableStream.from([{ type: 'finish', ...usageOf(this.#writes) }]) };
  }
}

/** As `ai-fallback` has it: the first that answers. Its identity is that of the one whose turn it is. */
class FallbackModel implements Model {
  readonly specificationVersion: string = 'v2';
  readonly #models: readonly Model[];
  #turn = 0;

  constructor(models: readonly Model[]) {
    this.#models = models;
  }

  get #model(): Model {
    return this.#models[this.#turn] ?? assert.fail('no model');
  }

  get provider(): string {
    return this.#model.provider;
  }

  get modelId(): string {
    return this.#model.modelId;
  }

  doGenerate(options?: unknown): Promise<Answer> {
    return this.#first((model) => model.doGenerate(options));
  }

  doStream(options?: unknown): Promise<Answer> {
    return this.#first((model) => model.doStream(options));
  }

  async #first(ask: (model: Model) => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask(this.#model);
      } catch (error) {
        if (this.#turn + 1 === this.#models.length) throw error;
        this.#turn += 1;
      }
    }
  }
}

/** As `ai-retry` has it: asks another one where an answer does not suit. */
class ChoosyModel extends ProviderModel {
  readonly #models: readonly Model[];

  constructor(models: readonly Model[]) {
    super('openai.chat', 'gpt-4o', 0);
    this.#models = models;
  }

  override async doGenerate(): Promise<Answer> {
    let last: Answer = {};
    for (const model of this.#models) last = await model.doGenerate();
    return last;
  }
}

/** One request, through a method of the class that it extends, and through another of its own. */
class StreamingByGenerate extends ProviderModel {
  override async doGenerate(): Promise<Answer> {
    return super.doGenerate();
  }

  override async doStream(): Promise<Answer> {
    const whole = await this.doGenerate();
    return { stream: ReadableStream.from([{ type: 'finish', ...whole }]) };
  }
}

describe('a model of the AI SDK around others', () => {
  let lab: GlobalLab;
  let instrumentation: SdkInstrumentation;
  const claude = new ProviderModel('anthropic.messages', 'claude-sonnet-4-5', 0);
  const mini = new ProviderModel('openai.chat', 'gpt-4o-mini', 3);

  before(() => {
    lab = globalLab();
    const [found] = createInstrumentations({ enabled: false }).filter(({ sdk }) => sdk === 'ai');
    instrumentation = found ?? assert.fail('no instrumentation');
    instrumentation.enable();
    const fallback = new FallbackModel([claude]);
    for (const model of [mini, fallback, new ChoosyModel([]), new StreamingByGenerate('a.chat', 'a', 1)]) {
      assert.equal(instrumentation.instrumentClient(model), true);
    }
  });

  after(async () => {
    instrumentation.disable();
    await lab.close();
  });

  const told = (since: number): unknown[] =>
    lab
      .spans()
      .flatMap(({ attributes }) => {
        const { 'gen_ai.operation.name': operation, 'gen_ai.provider.name': provider } = attributes;
        if (operation !== 'chat') return [];
        const model = attributes['gen_ai.request.model'];
        return [[provider, model, attributes['gen_ai.usage.output_tokens'], attributes['error.type']]];
      })
      .slice(since);

  const calls = async (make: () => Promise<unknown>): Promise<unknown[]> => {
    const since = told(0).length;
    await make();
    return told(since);
  };

  const readAll = async (asked: Promise<Answer>): Promise<void> => {
    const { stream } = await asked;
    for await (const part of stream ?? assert.fail('no stream')) void part;
  };

  const FELL_BACK = [
    ['anthropic', 'claude-sonnet-4-5', undefined, 'Error'],
    ['openai', 'gpt-4o-mini', 3, undefined],
  ];

  it('is told by the one that answers, as a call of its provider', async () => {
    assert.deepEqual(await calls(() => new FallbackModel([claude, mini]).doGenerate()), FELL_BACK);
    assert.deepEqual(await calls(() => readAll(new FallbackModel([claude, mini]).doStream())), FELL_BACK);
    const around = lab.spans().filter(({ name }) => name === 'invoke_workflow');
    assert.equal(around.length, 2);
    for (const { attributes } of around) assert.equal(attributes['gen_ai.usage.output_tokens'], undefined);
  });

  it('is told by all that answer, also those whose answer did not suit', async () => {
    const large = new ProviderModel('openai.chat', 'gpt-4o', 900);
    assert.deepEqual(await calls(() => new ChoosyModel([large, mini]).doGenerate()), [
      ['openai', 'gpt-4o', 900, undefined],
      ['openai', 'gpt-4o-mini', 3, undefined],
    ]);
  });

  it('is told once where it asks itself', async () => {
    const model = new StreamingByGenerate('openai.chat', 'gpt-4.1', 5);
    const once = [['openai', 'gpt-4.1', 5, undefined]];
    assert.deepEqual(await calls(() => model.doGenerate()), once);
    assert.deepEqual(await calls(() => readAll(model.doStream())), once);
  });

  it('counts in the metrics for its requests alone', async () => {
    const durations = (await lab.metrics()).get('gen_ai.client.operation.duration') ?? [];
    const counted = durations.reduce((sum, { value }) => sum + (value as { count: number }).count, 0);
    assert.equal(counted, told(0).length);
  });
});
