import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { DiagLogLevel, context, diag, propagation } from '@opentelemetry/api';
import { attribution } from '@spanmeter/instrumentation/express';
import OpenAI from 'openai';
import { metered, recordCall, withAttribution, type Attribution } from '@spanmeter/instrumentation';
import { startOpenaiStandIn } from '../support/provider/index.ts';
import { globalLab, type GlobalLab } from './global-lab.ts';
import { internal } from './internals.ts';
import { smallLab, withContexts, type SmallLab, type SmallRequest } from './small-sdk.ts';

const OPTIONS = { provider: 'own', model: 'own-1' };

function trap(message = 'trap'): never {
  throw new Error(message);
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** What a call throws or rejects with, in a list: a promise would look into it. */
async function errorOf(call: () => unknown): Promise<[unknown]> {
  try {
    await call();
  } catch (error) {
    return [error];
  }
  return [undefined];
}

/** What was said to the diagnostic log while `body` ran. */
async function said(body: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const say = (...parts: unknown[]): void => void lines.push(parts.map(String).join(' '));
  const logger = { error: say, warn: say, info: say, debug: say, verbose: say };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  try {
    await body();
  } finally {
    diag.disable();
  }
  return lines;
}

describe('results that are no stream, or an odd one', () => {
  let lab: GlobalLab;

  beforeEach(() => {
    lab = globalLab();
  });

  afterEach(() => lab.close());

  it('are iterated synchronously as before', () => {
    const words = metered(OPTIONS, function* () {
      yield 'a';
      yield 'b';
    });
    assert.deepEqual([...words()], ['a', 'b']);
    assert.equal(lab.spans().length, 1);
  });

  it('may have a method next of their own, or one named iterator', async () => {
    class Page {
      left = 2;
      next(): { left: number } | null {
        return this.left-- > 0 ? { left: this.left } : null;
      }
      iterator(): string[] {
        return ['item'];
      }
    }
    const page = await metered(OPTIONS, () => Promise.resolve(new Page()))();
    assert.deepEqual([page.next(), page.next(), page.next()], [{ left: 1 }, { left: 0 }, null]);
    assert.deepEqual([Object.keys(page), page.iterator()], [['left'], ['item']]);
    assert.equal(lab.spans().length, 1);
  });

  it('may give their chunks without a promise, or throw in place of one', async () => {
    const error = new Error('the third');
    const stream = metered(OPTIONS, () => {
      let count = 0;
      const next = (): IteratorResult<number> => {
        count += 1;
        if (count === 3) throw error;
        return { done: false, value: count };
      };
      return { [Symbol.asyncIterator]: () => ({ next }) } as unknown as AsyncIterable<number>;
    });
    const seen: number[] = [];
    const [caught] = await errorOf(async () => {
      for await (const chunk of stream()) seen.push(chunk);
    });
    assert.deepEqual([seen, caught], [[1, 2], error]);
    assert.equal(lab.spans()[0]?.attributes['error.type'], 'Error');
  });

  it('keep what an SDK has put on its promise', async () => {
    const call = metered(OPTIONS, () => Object.assign(Promise.resolve(7), { abort: () => 'aborted' }));
    const promise = call();
    assert.equal(promise.abort(), 'aborted');
    assert.deepEqual([await promise, lab.spans().length], [7, 1]);
  });

  it('end their call also where they are frozen', async () => {
    const stream = async function* (): AsyncGenerator<number> {
      yield await Promise.resolve(1);
    };
    const frozen = metered(OPTIONS, () =>
      Promise.resolve(Object.freeze({ iterator: stream, [Symbol.asyncIterator]: stream })),
    );
    const seen: number[] = [];
    for await (const chunk of await frozen()) seen.push(chunk);
    assert.deepEqual(seen, [1]);
    assert.equal(lab.spans().length, 1);
  });

  it('reject as before where what is thrown cannot be looked at', async () => {
    const odd = revoked();
    const [thrown] = await errorOf(
      metered(OPTIONS, () => {
        throw odd;
      }),
    );
    const [rejected] = await errorOf(metered(OPTIONS, () => Promise.reject(odd as Error)));
    assert.ok(thrown === odd && rejected === odd);
    assert.deepEqual(
      lab.spans().map(({ attributes }) => attributes['error.type']),
      ['_OTHER', '_OTHER'],
    );
  });

  it('are recorded, and attributed, whatever is given in place of values', () => {
    const secret = Symbol('no text');
    recordCall({ provider: 'own', model: secret as unknown as string });
    const none = undefined as unknown as Attribution;
    assert.equal(
      withAttribution(none, () => 'ran'),
      'ran',
    );
    assert.equal(
      withAttribution(
        {
          get tenant(): string {
            return trap();
          },
        },
        () => 'ran',
      ),
      'ran',
    );
    const given = { tenant: 'x'.repeat(1e6), team: 'a\nb', user: 'ada', session: ' ' };
    withAttribution(given, () => recordCall({ provider: 'own', model: 'own-1' }));
    const { attributes = {} } = lab.spans().at(-1) ?? {};
    const told = ['tenant.id', 'team.id', 'user.id', 'session.id'].map((key) => attributes[key]);
    assert.deepEqual(told, ['x'.repeat(256), undefined, 'ada', undefined]);
  });
});

describe('a fault in the instrumentation', () => {
  let lab: SmallLab;

  beforeEach(() => {
    lab = smallLab();
  });

  afterEach(() => lab.close());

  const hostile = (): SmallRequest => ({
    get model(): string {
      return trap('sk-secret and a prompt');
    },
  });

  it('leaves one call alone, is said once, and quotes nothing of what was read', async () => {
    const lines = await said(async () => {
      for (let each = 0; each < 3; each += 1) {
        await lab.client.ask(hostile());
        await lab.client.ask({ model: 'sound' });
      }
    });
    assert.deepEqual(
      lab.spans().map(({ name }) => name),
      ['chat sound', 'chat sound', 'chat sound'],
    );
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /a fault in the instrumentation of small-sdk[^]*Error\n\s+at /);
    assert.doesNotMatch(lines[0] ?? '', /secret|prompt/);
  });

  it('turns it off where every call has one', async () => {
    const lines = await said(async () => {
      for (let each = 0; each < 30; each += 1) await lab.client.ask(hostile());
      await lab.client.ask({ model: 'sound' });
    });
    assert.equal(lab.spans().length, 0);
    assert.equal(lines.length, 2);
  });

  it('lets no baggage go with the call that it leaves alone', async () => {
    const entries: unknown[] = [];
    const request = {
      get model(): string {
        return trap();
      },
      get fail(): Error {
        entries.push(propagation.getBaggage(context.active())?.getAllEntries().length);
        return undefined as unknown as Error;
      },
    };
    await withContexts(async () => {
      const carried = propagation.createBaggage({ 'tenant.id': { value: 'acme' } });
      await context.with(propagation.setBaggage(context.active(), carried), () => lab.client.ask(request));
    });
    assert.deepEqual(entries, [undefined]);
  });

  it("in how an SDK's own span is found leaves the call to be made, once", async () => {
    const { SdkInstrumentation } = await internal('instrumentation');
    class Client {
      asked = 0;
      ask(): Promise<number> {
        this.asked += 1;
        return Promise.resolve(this.asked);
      }
    }
    const kind = { operation: 'chat', request: () => ({}), response: () => ({}) } as const;
    const instrumentation = new SdkInstrumentation({
      module: 'traced-sdk',
      versions: ['*'],
      methods: [{ owner: () => Client.prototype, name: 'ask', kind }],
      rivals: [],
      native: { isOn: () => true, run: () => trap() },
    });
    instrumentation.manuallyInstrument({ Client });
    const client = new Client();
    assert.deepEqual([await client.ask(), await client.ask()], [1, 2]);
    instrumentation.disable();
  });

  for (const [what, property] of Object.entries({
    'a status that throws': { status: { get: trap } },
    'a name that throws': { name: { get: trap } },
    'no constructor': { constructor: { value: undefined } },
  })) {
    it(`is not what an error with ${what} is`, async () => {
      const error = Object.defineProperties(new Error('odd'), property);
      const lines = await said(async () => {
        const [caught] = await errorOf(() => lab.client.ask({ fail: error }));
        assert.ok(caught === error);
        await lab.client.ask({});
      });
      assert.deepEqual(lines, []);
      assert.equal(lab.spans().length, 2);
      assert.match(String(lab.spans()[0]?.attributes['error.type']), /^(Error|_OTHER)$/);
    });
  }
});

describe('objects of an SDK', () => {
  it('look in logs as they do without us', async () => {
    const { SdkInstrumentation } = await internal('instrumentation');
    const { openai } = await internal('sdks/openai');
    const standIn = await startOpenaiStandIn();
    const client = new OpenAI({ apiKey: 'none', baseURL: `${standIn.url}/v1` });
    const create = (): object => Reflect.get(OpenAI.Chat.Completions.prototype, 'create') as object;
    const original = create();
    const ask = { model: 'gpt-4o', messages: [], stream: true as const };
    const shown = async (): Promise<unknown[]> => {
      const promise = client.chat.completions.create(ask);
      const stream = await promise;
      const { iterator } = stream as unknown as { iterator: { name: string; length: number } };
      const { parseResponse } = promise as unknown as { parseResponse: object };
      stream.controller.abort();
      const method = create() as { readonly length: number };
      return [
        Object.keys(promise),
        Object.keys(stream),
        iterator.name,
        iterator.length,
        inspect(parseResponse),
        inspect(method),
        method.length,
        'prototype' in method,
      ];
    };
    const before = await shown();
    const instrumentation = new SdkInstrumentation(openai);
    instrumentation.manuallyInstrument({ OpenAI });
    try {
      assert.notEqual(create(), original);
      assert.deepEqual(await shown(), before);
    } finally {
      instrumentation.disable();
      await standIn.close();
    }
  });
});

describe('functions of the app that give a promise where a value is asked for', () => {
  const late = (): never => Promise.reject(new Error('late')) as never;

  const rejectionsIn = async (body: () => unknown): Promise<unknown[]> => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    await body();
    await new Promise(setImmediate);
    process.off('unhandledRejection', note);
    return unhandled;
  };

  it('leave no rejection behind: usage and model of a metered call', async () => {
    const lab = globalLab();
    const call = metered({ provider: 'own', model: late, usage: late }, () => Promise.resolve(1));
    assert.deepEqual(await rejectionsIn(call), []);
    await lab.close();
  });

  it('leave no rejection behind: sources of an attribution', async () => {
    const middleware = attribution({ tenant: late });
    let isCalled = false;
    const unhandled = await rejectionsIn(() =>
      middleware({ headers: {} }, {}, () => {
        isCalled = true;
      }),
    );
    assert.deepEqual([unhandled, isCalled], [[], true]);
  });

  it('leave no rejection behind, and no content on the span: a redactor', async () => {
    const lab = smallLab({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' }, { redact: late });
    assert.deepEqual(await rejectionsIn(() => lab.client.ask({ text: 'hi' })), []);
    assert.equal(lab.spans()[0]?.attributes['gen_ai.input.messages'], undefined);
    await lab.close();
  });
});
