import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { SdkInstrumentation, metered } from '@spanmeter/instrumentation';
import { globalLab, type GlobalLab } from './global-lab.ts';
import { internal } from './internals.ts';

const { CLOCK } = await internal('clock');
const { MANUAL_CALLS } = await internal('manual-host');
const { openai } = await internal('sdks/openai');

const ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
};

/** A server that answers with headers, and with the rest when it is told to. */
async function startSlowServer(): Promise<{ url: string; asked: Promise<() => void>; server: Server }> {
  let isAsked = (_finish: () => void): void => undefined;
  const asked = new Promise<() => void>((resolve) => {
    isAsked = resolve;
  });
  const server = createServer((request, response: ServerResponse) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' });
    // As DeepSeek does while a model is busy.
    response.write('\n');
    isAsked(() => response.end(JSON.stringify(ANSWER)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked, server };
}

/** Whatever is to be done at once has been. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

describe('an answer that takes many minutes', () => {
  let lab: GlobalLab;

  beforeEach(() => {
    lab = globalLab();
  });

  afterEach(() => lab.close());

  const outputs = (): unknown[] =>
    lab.spans().map(({ attributes }) => attributes['gen_ai.usage.output_tokens']);

  it('is told whole where the app waits for its next chunk, and given up where it does not', async () => {
    let goOn = (): void => undefined;
    const stream = metered(
      { provider: 'mine', model: 'm1', usage: (outputTokens: number) => ({ outputTokens }) },
      async () => {
        await Promise.resolve();
        return (async function* () {
          yield 1;
          await new Promise<void>((resolve) => {
            goOn = resolve;
          });
          yield 2;
        })();
      },
    );
    const waited = (await stream())[Symbol.asyncIterator]();
    await waited.next();
    const next = waited.next();
    const held = (await stream())[Symbol.asyncIterator]();
    const first = await held.next();
    for (let each = 0; each < 3; each += 1) MANUAL_CALLS.sweep();
    assert.deepEqual([outputs(), first.value], [[1], 1]);
    goOn();
    await next;
    await waited.next();
    assert.deepEqual(outputs(), [1, 2]);
  });

  it('is told whole however many others wait at the same time', async () => {
    const calls = 10_050;
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const ask = metered(
      { provider: 'mine', model: 'm1', usage: () => ({ outputTokens: 1 }) },
      () => answered,
    );
    const all = Array.from({ length: calls }, () => ask());
    answer();
    await Promise.all(all);
    assert.deepEqual([outputs().length, new Set(outputs())], [calls, new Set([1])]);
  });

  it('is given up where the app keeps ten thousand others without reading them', async () => {
    const read = { provider: 'mine', model: 'm1', usage: (outputTokens: number) => ({ outputTokens }) };
    const open = metered(read, async function* () {
      await Promise.resolve();
      yield 1;
    });
    const kept: unknown[] = [];
    for (let each = 0; each < 10_050; each += 1) {
      const stream = open();
      await stream.next();
      kept.push(stream);
    }
    assert.equal(outputs().length, 50);
    assert.equal(kept.length, 10_050);
    MANUAL_CALLS.abandonAll();
  });

  it('is told whole where its headers came long before its body', async () => {
    const { url, asked, server } = await startSlowServer();
    const sweeps: (() => void)[] = [];
    const { setInterval } = CLOCK;
    const instrumentation = new SdkInstrumentation(openai);
    instrumentation.manuallyInstrument({ OpenAI });
    const pretend = (run: () => void): object => {
      sweeps.push(run);
      return { unref: () => undefined };
    };
    try {
      Object.assign(CLOCK, { setInterval: pretend });
      const client = new OpenAI({ apiKey: 'test', baseURL: url, maxRetries: 0 });
      const answer = client.chat.completions.create({ model: 'gpt-4o', messages: [] });
      // Asks for the body, as `await` does.
      const parsed = answer.then(({ id }) => id);
      Object.assign(CLOCK, { setInterval });
      const finish = await asked;
      await answer.asResponse();
      for (let each = 0; each < 3; each += 1) sweeps.forEach((sweep) => sweep());
      finish();
      assert.equal(await parsed, ANSWER.id);
      assert.ok(sweeps.length > 0);
      assert.deepEqual(outputs(), [2]);
    } finally {
      Object.assign(CLOCK, { setInterval });
      instrumentation.disable();
      server.closeAllConnections();
      server.close();
    }
  });

  it('is told whole where the app looks at its headers, and asks for the rest when it has done something else', async () => {
    const instrumentation = new SdkInstrumentation(openai);
    instrumentation.manuallyInstrument({ OpenAI });
    const answer = (): Promise<Response> => Promise.resolve(Response.json(ANSWER));
    const client = new OpenAI({ apiKey: 'test', fetch: answer, maxRetries: 0 });
    try {
      const asked = client.chat.completions.create({ model: 'gpt-4o', messages: [] });
      assert.equal((await asked.asResponse()).bodyUsed, false);
      await turns();
      assert.deepEqual(outputs(), []);
      assert.equal((await asked).id, ANSWER.id);
      assert.deepEqual(outputs(), [2]);
      // What is never asked for ended when it was handed out, whenever that becomes known.
      const left = client.chat.completions.create({ model: 'gpt-4o', messages: [] });
      await left.asResponse();
      await turns();
      const handedOut = Date.now();
      await sleep(30);
      instrumentation.endOpenCalls();
      assert.deepEqual(outputs(), [2, undefined]);
      const [seconds, nanos] = lab.spans()[1]?.endTime ?? assert.fail('no span');
      assert.ok(seconds * 1000 + nanos / 1e6 < handedOut + 20);
    } finally {
      instrumentation.disable();
    }
  });

  it('ends at once where the app has read its body itself', async () => {
    const instrumentation = new SdkInstrumentation(openai);
    instrumentation.manuallyInstrument({ OpenAI });
    const answer = (): Promise<Response> => Promise.resolve(Response.json(ANSWER));
    const client = new OpenAI({ apiKey: 'test', fetch: answer, maxRetries: 0 });
    try {
      const asked = client.chat.completions.create({ model: 'gpt-4o', messages: [] });
      const body = (await (await asked.asResponse()).json()) as typeof ANSWER;
      await turns();
      assert.deepEqual([body.id, outputs()], [ANSWER.id, [undefined]]);
    } finally {
      instrumentation.disable();
    }
  });
});
