import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { until } from '../support/until.ts';
import { internal } from './internals.ts';
import { smallLab, withContexts, type SmallLab } from './small-sdk.ts';

const { limitContent } = await internal('content-limit');
const { plainContent } = await internal('plain-content');

const CAPTURE = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';

type Plain = ReturnType<typeof plainContent>;

const leftOut = (count: number): Plain => ({ type: 'text', content: `[${count}]` });

/** Messages in JSON with texts of these lengths. */
function texts(...lengths: number[]): Plain[] {
  return lengths.map((length, index) => ({
    role: 'user',
    parts: [{ type: 'text', content: `${index}`.repeat(length) }],
  }));
}

describe('the copy of content', () => {
  it('holds no cycle, no bytes and nothing that throws, and says what stood there', () => {
    const circular: Record<string, unknown> = { text: 'hi' };
    circular['self'] = circular;
    const shared = { a: 1 };
    const odd = {
      circular,
      twice: [shared, shared],
      big: 12n,
      none: undefined,
      call: () => 1,
      nan: Number.NaN,
      toJson: { toJSON: () => ({ seen: true }) },
      badToJson: {
        toJSON: () => {
          throw new Error('no');
        },
      },
      date: new Date(0),
      bytes: new Uint8Array(9),
      blob: new Blob(['abc'], { type: 'image/png' }),
      get bad(): never {
        throw new Error('no');
      },
      proxy: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no');
          },
        },
      ),
    };
    assert.deepEqual(plainContent(odd), {
      circular: { text: 'hi', self: '[circular]' },
      twice: [{ a: 1 }, { a: 1 }],
      big: '12',
      nan: null,
      toJson: { seen: true },
      badToJson: '[unreadable]',
      date: '1970-01-01T00:00:00.000Z',
      bytes: '[media, 9 bytes]',
      blob: '[image/png, 3 bytes]',
      bad: '[unreadable]',
      proxy: '[unreadable]',
    });
  });

  it('has the type and size of media in place of their base64, and keeps text', () => {
    const base64 = Buffer.alloc(900).toString('base64');
    const copy = plainContent([
      { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } },
      { type: 'blob', mime_type: 'audio/wav', content: 'AAAA' },
      { type: 'input_audio', input_audio: { data: base64, format: 'mp3' } },
      { inlineData: { mimeType: 'image/webp', data: 'AAAA' } },
      { type: 'text', content: 'x'.repeat(2000) },
      { type: 'file', file: { file_data: base64 } },
      { type: 'text', content: 'data: none' },
    ]);
    assert.deepEqual(copy, [
      { type: 'image_url', image_url: { url: '[image/png, 900 bytes]' } },
      { type: 'blob', mime_type: 'audio/wav', content: '[audio/wav, 3 bytes]' },
      { type: 'input_audio', input_audio: { data: '[mp3, 900 bytes]', format: 'mp3' } },
      { inlineData: { mimeType: 'image/webp', data: '[image/webp, 3 bytes]' } },
      { type: 'text', content: 'x'.repeat(2000) },
      { type: 'file', file: { file_data: '[media, 900 bytes]' } },
      { type: 'text', content: 'data: none' },
    ]);
  });

  it('is bounded in depth and number', () => {
    let deep: unknown = 'bottom';
    for (let index = 0; index < 100; index++) deep = { deep };
    assert.ok(JSON.stringify(plainContent(deep)).includes('[too deep]'));
    const many = plainContent(Array.from({ length: 200_000 }, () => 'x')) as unknown[];
    assert.ok(many.filter((one) => one === 'x').length <= 50_000);
  });
});

describe('content that is too long', () => {
  it('has its longest texts cut, each saying how much is missing, within the limit to a few bytes', () => {
    const items = texts(5000, 10, 100);
    const limited = limitContent(items, 1000, leftOut);
    const kept = JSON.parse(limited?.json ?? '') as { parts: { content: string }[] }[];
    assert.equal(limited?.truncated, true);
    const bytes = Buffer.byteLength(limited.json);
    assert.ok(bytes <= 1000 && bytes > 990, String(bytes));
    assert.match(kept[0]!.parts[0]!.content, /^0{100,}… \[\d+ characters left out\]$/);
    assert.equal(kept[1]!.parts[0]!.content, '1'.repeat(10));
    assert.equal(kept[2]!.parts[0]!.content, '2'.repeat(100));
  });

  it('loses its first items where that is not enough, and says how many', () => {
    const limited = limitContent(texts(...Array.from({ length: 100 }, () => 50)), 600, leftOut);
    const kept = JSON.parse(limited?.json ?? '') as unknown[];
    assert.deepEqual(kept[0], { type: 'text', content: `[${100 - (kept.length - 1)}]` });
    assert.ok(kept.length > 3);
    assert.ok(JSON.stringify(kept.at(-1)).includes('9999'));
  });

  it('is valid JSON within the limit whatever it is and whatever the limit', () => {
    // A generator of its own, so that a failure can be repeated.
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    const letters = ['a', 'é', '港', '😀', '"', '\\', '\n', '\u0001', '\ud83d'];
    for (let round = 0; round < 300; round++) {
      const items = Array.from({ length: random(6) }, () => ({
        role: 'user',
        parts: Array.from({ length: random(4) }, () => ({
          type: 'text',
          content: letters[random(letters.length)]!.repeat(random(400)),
        })),
      }));
      const limit = random(1500);
      const limited = limitContent(items, limit, leftOut);
      if (limited === undefined) continue;
      assert.ok(Buffer.byteLength(limited.json) <= limit, `${round}: ${limited.json.length} > ${limit}`);
      assert.deepEqual(JSON.parse(limited.json), JSON.parse(JSON.stringify(limited.items)));
    }
  });
});

describe('captured content', () => {
  let lab: SmallLab | undefined;
  const errors: string[] = [];

  beforeEach(() => {
    errors.length = 0;
    const quiet = (): void => undefined;
    const error = (...parts: unknown[]): void => void errors.push(parts.map(String).join(' '));
    diag.setLogger(
      { error, warn: error, info: quiet, debug: quiet, verbose: quiet },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });

  afterEach(async () => {
    diag.disable();
    await lab?.close();
    lab = undefined;
  });

  const REQUEST = { text: 'what?', system: 'be kind', tools: [{ name: 'sum' }], answer: 'that' };
  const INPUT = [{ role: 'user', parts: [{ type: 'text', content: 'what?' }] }];
  const OUTPUT = [{ role: 'assistant', parts: [{ type: 'text', content: 'that' }] }];

  const contentOf = (): Record<string, unknown> => {
    const attributes = lab?.spans()[0]?.attributes ?? {};
    const keys = ['input.messages', 'output.messages', 'system_instructions', 'tool.definitions'];
    return Object.fromEntries(
      keys
        .filter((key) => attributes[`gen_ai.${key}`] !== undefined)
        .map((key) => [key, JSON.parse(String(attributes[`gen_ai.${key}`]))]),
    );
  };

  for (const off of ['', 'false', 'NO_CONTENT', 'maybe']) {
    it(`is nothing where the variable is "${off}"`, async () => {
      lab = smallLab({ [CAPTURE]: off });
      await lab.client.ask(REQUEST);
      assert.deepEqual(contentOf(), {});
      assert.equal(lab.logs().length, 0);
    });
  }

  for (const on of ['true', 'SPAN_ONLY', 'span_and_event']) {
    it(`is JSON on the span where the variable is "${on}"`, async () => {
      lab = smallLab({ [CAPTURE]: on });
      await lab.client.ask(REQUEST);
      assert.deepEqual(contentOf(), {
        'input.messages': INPUT,
        'output.messages': OUTPUT,
        system_instructions: [{ type: 'text', content: 'be kind' }],
        'tool.definitions': [{ name: 'sum' }],
      });
      assert.equal(lab.logs().length, on === 'span_and_event' ? 1 : 0);
    });
  }

  it('is structured on an event in the context of the span', async () => {
    lab = smallLab({ [CAPTURE]: 'EVENT_ONLY' });
    await lab.client.ask({ ...REQUEST, usage: { 'gen_ai.usage.input_tokens': 3 } });
    assert.deepEqual(contentOf(), {});
    const [event] = lab.logs();
    assert.equal(event?.eventName, 'gen_ai.client.inference.operation.details');
    assert.equal(event.spanContext?.spanId, lab.spans()[0]?.spanContext().spanId);
    assert.deepEqual(event.attributes['gen_ai.input.messages'], INPUT);
    assert.deepEqual(event.attributes['gen_ai.output.messages'], OUTPUT);
    assert.equal(event.attributes['gen_ai.request.model'], 'small-1');
    assert.equal(event.attributes['gen_ai.usage.input_tokens'], 3);
  });

  it('is what a stream said, up to where the app left it', async () => {
    lab = smallLab({ [CAPTURE]: 'true' });
    for await (const word of lab.client.stream({ text: 'what?', answer: 'one two three' })) {
      if (word === 'two') break;
    }
    assert.deepEqual(contentOf()['output.messages'], [
      { role: 'assistant', parts: [{ type: 'text', content: 'one two' }] },
    ]);
  });

  it('is what was asked where the call failed', async () => {
    lab = smallLab({ [CAPTURE]: 'true' });
    await assert.rejects(lab.client.ask({ ...REQUEST, fail: new Error('no') }));
    assert.deepEqual(contentOf()['input.messages'], INPUT);
    assert.equal(contentOf()['output.messages'], undefined);
  });

  it('is limited, by the variables of the SDK too, and says so', async () => {
    lab = smallLab({
      [CAPTURE]: 'span_and_event',
      SPANMETER_CONTENT_MAX_BYTES: '2000',
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '500',
    });
    await lab.client.ask({ text: 'é'.repeat(3000), answer: 'ok' });
    const { attributes } = lab.spans()[0]!;
    const json = String(attributes['gen_ai.input.messages']);
    assert.ok(Buffer.byteLength(json) <= 500 && Buffer.byteLength(json) > 480);
    assert.match(JSON.stringify(JSON.parse(json)), /characters left out/);
    assert.equal(attributes['spanmeter.content.truncated'], true);
    const onEvent = JSON.stringify(lab.logs()[0]?.attributes['gen_ai.input.messages']);
    assert.ok(Buffer.byteLength(onEvent) <= 2000 && Buffer.byteLength(onEvent) > 1980);
  });

  it('leaves the app its call whatever is in it, and the instrumentation on', async () => {
    lab = smallLab({ [CAPTURE]: 'span_and_event' });
    const circular: Record<string, unknown> = { big: 1n };
    circular['self'] = circular;
    const answer = {
      get text(): never {
        throw new Error('no');
      },
    };
    assert.equal((await lab.client.ask({ text: circular, answer })).answer, answer);
    const hostile = {
      model: 'small-1',
      get text(): never {
        throw new Error('no');
      },
    };
    await lab.client.ask(hostile);
    await lab.client.ask(REQUEST);
    assert.equal(lab.spans().length, 3);
    assert.equal(lab.spans()[2]?.attributes['gen_ai.input.messages'], JSON.stringify(INPUT));
  });

  it('goes through the redactor, which gets copies and whole texts', async () => {
    const request = { ...REQUEST, text: `${'x'.repeat(100_000)} secret` };
    lab = smallLab(
      { [CAPTURE]: 'true' },
      {
        redact: ({ input, output }) => {
          const [message] = input as unknown as { parts: { content: string }[] }[];
          message!.parts[0]!.content = message!.parts[0]!.content.replace('secret', '***').slice(-10);
          return { input, output };
        },
      },
    );
    await lab.client.ask(request);
    assert.ok(request.text.endsWith('secret'));
    assert.deepEqual(contentOf(), {
      'input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'xxxxxx ***' }] }],
      'output.messages': OUTPUT,
    });
  });

  it('is left out where the redactor fails or says so, which is said once', async () => {
    let throws = true;
    lab = smallLab(
      { [CAPTURE]: 'span_and_event' },
      {
        redact: () => {
          if (throws) throw new Error('broken');
          return undefined;
        },
      },
    );
    await lab.client.ask(REQUEST);
    await lab.client.ask(REQUEST);
    throws = false;
    await lab.client.ask(REQUEST);
    assert.equal(lab.spans().length, 3);
    assert.ok(lab.spans().every(({ attributes }) => attributes['gen_ai.input.messages'] === undefined));
    assert.equal(lab.logs().length, 0);
    assert.deepEqual(
      errors.filter((error) => error.includes('redactor')).map((error) => error.slice(0, 34)),
      ['spanmeter: the redactor failed, so'],
    );
  });

  for (const asksLate of [false, true]) {
    const [calls, shown] = asksLate ? [3, 0] : [4, 2];
    it(`is not asked of without end by a redactor that ${asksLate ? 'waits for' : 'starts'} a call`, async () => {
      await withContexts(async () => {
        let asked = 0;
        const made = smallLab(
          { [CAPTURE]: 'true' },
          {
            redact: (content) => {
              asked += 1;
              const answer = asked < 50 ? made.client.ask({ text: 'Whose name is this?' }) : undefined;
              return asksLate ? (answer as never) : content;
            },
          },
        );
        lab = made;
        for (let call = 0; call < 2; call += 1) {
          await made.client.ask({ text: 'hi' });
          await new Promise(setImmediate);
        }
        // The app's two calls, and what the redactor asked.
        const told = made.spans();
        const withContent = told.filter((span) => span.attributes['gen_ai.input.messages'] !== undefined);
        assert.deepEqual([told.length, withContent.length], [calls, shown]);
      });
    });
  }

  it('waits for a redactor that is a module, and is nothing where that cannot be loaded', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spanmeter-redact-'));
    try {
      const file = join(folder, 'redact.mjs');
      await writeFile(file, 'export default ({ input }) => ({ input: [...input, ...input] });');
      lab = smallLab({ [CAPTURE]: 'true', SPANMETER_REDACT_MODULE: file });
      await lab.client.ask(REQUEST);
      const { client } = lab;
      const spans = lab.spans.bind(lab);
      await until(
        async () => {
          await client.ask(REQUEST);
          return spans().at(-1)?.attributes['gen_ai.input.messages'];
        },
        (json) => json === JSON.stringify([...INPUT, ...INPUT]),
      );
      assert.ok(spans().every(({ attributes }) => attributes['gen_ai.output.messages'] === undefined));
      await lab.close();
      lab = smallLab({ [CAPTURE]: 'true', SPANMETER_REDACT_MODULE: join(folder, 'absent.mjs') });
      await lab.client.ask(REQUEST);
      await until(
        () => Promise.resolve(errors),
        (said) => said.some((error) => error.includes('has no redactor')),
      );
      await lab.client.ask(REQUEST);
      assert.ok(lab.spans().every(({ attributes }) => attributes['gen_ai.input.messages'] === undefined));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
