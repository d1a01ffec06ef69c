import assert from 'node:assert/strict';
import { context, trace } from '@opentelemetry/api';
import { attributed, metered, withAttribution } from '@spanmeter/instrumentation';
import { globalLab, type GlobalLab } from './global-lab.ts';
import { internal } from './internals.ts';
import { startSink } from './otlp-sink.ts';
import { runApp } from './run-app.ts';
import { SmallClient } from './small-sdk.ts';

const { setAdmission } = await internal('budget-guard');
const { SdkInstrumentation } = await internal('instrumentation');

interface Reply {
  readonly text: string;
  readonly used?: readonly [number, number];
}

const OPTIONS = {
  provider: 'mine',
  model: 'm1',
  usage: ({ used }: Reply) => ({ inputTokens: used?.[0], outputTokens: used?.[1] }),
};

async function later<T>(value: T): Promise<T> {
  await Promise.resolve();
  return value;
}

describe('a metered function', () => {
  let lab: GlobalLab;

  beforeEach(() => {
    lab = globalLab();
  });

  afterEach(async () => {
    setAdmission(undefined);
    await lab.close();
  });

  const only = (): Readonly<Record<string, unknown>> => {
    assert.equal(lab.spans().length, 1);
    return lab.spans()[0]!.attributes;
  };

  it('is told as soon as it has answered where the app has another global Promise', async () => {
    const native = globalThis.Promise;
    const ask = metered(OPTIONS, async (): Promise<Reply> => ({ text: 'yes', used: [5, 3] }));
    globalThis.Promise = class Other<T> extends native<T> {};
    try {
      const asked = ask();
      assert.equal(Object.getPrototypeOf(asked), native.prototype);
      await asked;
    } finally {
      globalThis.Promise = native;
    }
    assert.equal(only()['gen_ai.usage.input_tokens'], 5);
  });

  it('gives what it gave, and tells one call with its usage, attribution and metrics', async () => {
    const ask = metered({ ...OPTIONS, url: 'https://llm.example.com/v1' }, async (question: string) =>
      later<Reply>({ text: question.toUpperCase(), used: [5, 3] }),
    );
    const reply = await withAttribution({ tenant: 'acme' }, () => ask('hi'));
    assert.deepEqual(reply, { text: 'HI', used: [5, 3] });
    assert.deepEqual(only(), {
      'tenant.id': 'acme',
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'mine',
      'gen_ai.request.model': 'm1',
      'server.address': 'llm.example.com',
      'server.port': 443,
      'gen_ai.usage.input_tokens': 5,
      'gen_ai.usage.output_tokens': 3,
    });
    const metrics = await lab.metrics();
    assert.equal(metrics.get('gen_ai.client.operation.duration')?.length, 1);
    assert.equal(metrics.get('gen_ai.client.token.usage')?.length, 2);
  });

  it('keeps its name, length, receiver and arguments', async () => {
    const host = {
      factor: 2,
      times: metered({ provider: 'mine', model: (by: number) => `m${by}` }, async function times(
        this: { factor: number },
        by: number,
      ) {
        return later(this.factor * by);
      } as (by: number) => Promise<number>),
    };
    assert.equal(await host.times(21), 42);
    assert.equal(host.times.name, 'times');
    assert.equal(host.times.length, 1);
    assert.equal(only()['gen_ai.request.model'], 'm21');
  });

  it('may answer at once, and may throw', () => {
    const half = metered({ provider: 'mine', model: 'm1' }, (value: number) => {
      if (value < 0) throw new RangeError('below 0');
      return value / 2;
    });
    assert.equal(half(4), 2);
    assert.throws(() => half(-1), new RangeError('below 0'));
    const [good, bad] = lab.spans();
    assert.equal(good?.status.code, 0);
    assert.equal(bad?.attributes['error.type'], 'RangeError');
    assert.equal(bad.status.code, 2);
  });

  it('rejects with the very error of its function', async () => {
    const failure = new TypeError('no');
    const fail = metered({ provider: 'mine', model: 'm1' }, () => Promise.reject(failure));
    await assert.rejects(fail(), (error) => error === failure);
    assert.equal(only()['error.type'], 'TypeError');
  });

  it('may be a stream, whose figures replace one another and whose chunks are timed', async () => {
    const chunks: Reply[] = [{ text: 'a', used: [5, 1] }, { text: 'b', used: [5, 2] }, { text: 'c' }];
    const stream = metered(OPTIONS, async function* () {
      for (const chunk of chunks) yield await later(chunk);
    });
    const seen: Reply[] = [];
    for await (const chunk of stream()) seen.push(chunk);
    assert.deepEqual(seen, chunks);
    const { 'gen_ai.response.time_to_first_chunk': first, ...rest } = only();
    assert.ok(typeof first === 'number' && first >= 0);
    assert.equal(rest['gen_ai.usage.input_tokens'], 5);
    assert.equal(rest['gen_ai.usage.output_tokens'], 2);
    assert.equal(rest['spanmeter.usage.estimate.output_characters'], undefined);
    assert.equal((await lab.metrics()).get('gen_ai.client.operation.time_per_output_chunk')?.length, 1);
  });

  it('reads a stream once, however often its promise is asked', async () => {
    class Later<T> extends Promise<T> {}
    let read = 0;
    const stream = metered(
      { provider: 'mine', model: 'm1', usage: () => ({ outputTokens: (read += 1) }) },
      (): Promise<AsyncIterable<number>> =>
        Later.resolve({
          async *[Symbol.asyncIterator]() {
            yield await later(1);
            yield 2;
          },
        }),
    );
    const promise = stream();
    await Promise.all([promise, promise.then(() => undefined)]);
    for await (const _ of await promise);
    assert.equal(only()['gen_ai.usage.output_tokens'], 2);
  });

  it('tells no size of chunks that nobody knows the shape of', async () => {
    const stream = metered({ provider: 'mine', model: 'm1' }, async function* () {
      yield await later('words');
    });
    for await (const _ of stream());
    assert.deepEqual(
      Object.keys(only()).filter((key) => key.includes('usage')),
      [],
    );
  });

  it('ends with its stream, whichever way that ends: left, failed, or promised', async () => {
    let closed = false;
    const stream = metered(OPTIONS, async function* (failAt: number) {
      try {
        for (let index = 0; index < 5; index++) {
          if (index === failAt) throw new RangeError('midway');
          yield await later<Reply>({ text: 'x', used: [1, index] });
        }
      } finally {
        closed = true;
      }
    });
    for await (const { used } of stream(9)) if (used?.[1] === 2) break;
    assert.ok(closed);
    assert.equal(lab.spans()[0]?.attributes['gen_ai.usage.output_tokens'], 2);
    await assert.rejects(async () => {
      for await (const _ of stream(1));
    }, RangeError);
    assert.equal(lab.spans()[1]?.attributes['error.type'], 'RangeError');
    const promised = metered(OPTIONS, async () => later(stream(9)));
    for await (const _ of await promised());
    assert.equal(lab.spans().length, 3);
  });

  it('is the call of an instrumented SDK inside of it, which is told once', async () => {
    class Client extends SmallClient {}
    Client.prototype.ask = SmallClient.prototype.ask.bind(undefined);
    const instrumentation = new SdkInstrumentation({
      module: 'small-sdk',
      versions: ['>=1'],
      rivals: [],
      methods: [
        {
          owner: (moduleExports) => (moduleExports as { Client: typeof Client }).Client.prototype,
          name: 'ask',
          kind: {
            operation: 'chat',
            request: () => ({ 'gen_ai.provider.name': 'small' }),
            response: () => ({ 'gen_ai.usage.input_tokens': 77 }),
          },
        },
      ],
    });
    instrumentation.manuallyInstrument({ Client });
    const ask = metered(OPTIONS, () => new Client().ask({}) as Promise<unknown> as Promise<Reply>);
    await ask();
    assert.equal(only()['gen_ai.provider.name'], 'small');
    assert.equal(only()['gen_ai.usage.input_tokens'], 77);
    instrumentation.disable();
  });

  it('is itself where what reads its usage or model fails', async () => {
    const ask = metered(
      {
        provider: 'mine',
        model: () => {
          throw new Error('no model');
        },
        usage: () => {
          throw new Error('no usage');
        },
      },
      async () => later('fine'),
    );
    assert.equal(await ask(), 'fine');
    assert.equal(await ask(), 'fine');
    assert.equal(lab.spans().length, 2);
    assert.equal(lab.spans()[0]?.name, 'chat');
  });

  it('may be a method, by a standard decorator', async () => {
    class Models {
      readonly prefix = '> ';

      @metered({ provider: 'mine', model: 'm1', usage: ({ used }: Reply) => ({ inputTokens: used?.[0] }) })
      async ask(question: string): Promise<Reply> {
        return later({ text: this.prefix + question, used: [9, 1] });
      }
    }
    const reply = await new Models().ask('hi');
    assert.equal(reply.text, '> hi');
    assert.equal(only()['gen_ai.usage.input_tokens'], 9);
  });

  it('is told where the SDK called inside failed and another request answered', async () => {
    class Client extends SmallClient {}
    Client.prototype.ask = SmallClient.prototype.ask.bind(undefined);
    const kind = { operation: 'chat', request: () => ({}), response: () => ({}) } as const;
    const instrumentation = new SdkInstrumentation({
      module: 'small',
      versions: ['*'],
      rivals: [],
      methods: [{ owner: () => Client.prototype, name: 'ask', kind }],
    });
    instrumentation.manuallyInstrument({ Client });
    const ask = metered(OPTIONS, async (answers: boolean): Promise<Reply> => {
      await new Client().ask({ fail: new Error('busy') }).catch(() => undefined);
      if (!answers) throw new Error('no answer');
      return { text: '', used: [9, 1] };
    });
    await ask(true);
    await assert.rejects(ask(false));
    instrumentation.disable();
    assert.deepEqual(
      lab
        .spans()
        .map(({ attributes }) => [attributes['error.type'], attributes['gen_ai.usage.input_tokens']]),
      [
        ['Error', undefined],
        [undefined, 9],
        ['Error', undefined],
      ],
    );
  });

  it('is not called where a budget refuses it', async () => {
    let calls = 0;
    const ask = metered(OPTIONS, async (_parameters: object) => later<Reply>({ text: String((calls += 1)) }));
    setAdmission((call) => (call['tenant.id'] === 'spent' ? new Error('spent') : undefined));
    await assert.rejects(ask(attributed({ q: 1 }, { tenant: 'spent' })), /spent/);
    await ask(attributed({ q: 1 }, { tenant: 'other' }));
    assert.equal(calls, 1);
    assert.deepEqual(
      lab.spans().map(({ attributes }) => attributes['error.type']),
      ['Error', undefined],
    );
  });

  it('ends with the process where it is still under way', async () => {
    const sink = await startSink();
    const { code } = await runApp({
      code: `
        import { metered } from '@spanmeter/instrumentation';
        metered({ provider: 'mine', model: 'slow' }, () => new Promise(() => {}))();`,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
    });
    await sink.close();
    assert.equal(code, 0);
    assert.deepEqual(
      sink.spans.map(({ name }) => name),
      ['chat slow'],
    );
  });

  it('is a child of what surrounds it', async () => {
    const parent = trace.getTracer('test').startSpan('request');
    const ask = metered(OPTIONS, async () => later<Reply>({ text: '' }));
    await context.with(trace.setSpan(context.active(), parent), () => ask());
    assert.equal(lab.spans()[0]?.parentSpanContext?.spanId, parent.spanContext().spanId);
  });
});
