import assert from 'node:assert/strict';
import { instrumentationFile } from '../../support/instrumentation-source.ts';

interface Reader {
  read(chunk: unknown): boolean;
  attributes(): Record<string, unknown>;
  received(): { put(into: object, side: string): void };
  readonly messages?: () => unknown;
}

interface Kind {
  readonly operation: string;
  body?(args: readonly unknown[], resource: unknown): unknown;
  request(resource: unknown, body: unknown): Record<string, unknown>;
  response(response: unknown, body: unknown): Record<string, unknown>;
  stream?(capture: boolean, asked: boolean): Reader;
  requestSize?(body: unknown): unknown;
  responseSize?(response: unknown): unknown;
  ask?(args: readonly unknown[]): unknown;
  readonly content?: Readonly<Record<string, (value: unknown) => unknown>>;
}

const FILES = [
  'cohere/chat-v1',
  'cohere/chat-v2',
  'cohere/cohere-other',
  'google/gemini',
  'google/gemini-other',
  'google/interactions',
  'mistral/completions',
  'mistral/conversations',
  'mistral/mistral-other',
];

async function kinds(): Promise<[string, Kind][]> {
  const found: [string, Kind][] = [];
  for (const file of FILES) {
    const all = await instrumentationFile<Record<string, Partial<Kind>>>(`sdks/${file}.js`);
    for (const [name, kind] of Object.entries(all)) {
      if (typeof kind === 'object' && kind.operation !== undefined)
        found.push([`${file} ${name}`, kind as Kind]);
    }
  }
  const { ollama } = await instrumentationFile<{ ollama: { methods: { name: string; kind: Kind }[] } }>(
    'sdks/ollama.js',
  );
  return [...found, ...ollama.methods.map(({ name, kind }): [string, Kind] => [`ollama ${name}`, kind])];
}

/** Fields that the readers look into, anywhere. */
const FIELDS = `usage usageMetadata candidates content parts text message messages choices delta data tool_calls
  toolCalls function candidatesTokensDetails promptTokensDetails billedUnits tokens meta generations response
  outputs inputs input steps contents config systemInstruction tools interaction metadata total_usage embeddings
  statistics generatedImages image images connectors completionArgs chatHistory toolResults documents prompt
  groundingMetadata webSearchQueries thinking apiClient clientOptions _options _baseURL event type role item`;

/** An object whose every field is `value`. */
function filledWith(value: unknown): object {
  return Object.fromEntries(FIELDS.split(/\s+/).map((name) => [name, value]));
}

function circular(): object {
  const object: Record<string, unknown> = filledWith('text') as Record<string, unknown>;
  for (const name of Object.keys(object)) object[name] = object;
  object['list'] = [object];
  return object;
}

function deep(): unknown {
  let value: unknown = 'end';
  for (let i = 0; i < 50; i += 1) value = filledWith(i % 2 === 0 ? [value] : value);
  return value;
}

const HOSTILE: readonly unknown[] = [
  undefined,
  null,
  0,
  '',
  '<html>',
  true,
  Symbol('s'),
  10n,
  [],
  {},
  () => undefined,
  new Uint8Array(3),
  ...[null, 7, '7', -1, Number.NaN, [], [null, 'x', 3, []], {}, new Date(0)].map(filledWith),
  filledWith(filledWith(null)),
  filledWith([filledWith('x'), null]),
  Object.freeze(filledWith(1)),
  Object.create(null),
  circular(),
  deep(),
];

function useAll(kind: Kind, value: unknown): Record<string, unknown>[] {
  kind.requestSize?.(value);
  kind.responseSize?.(value);
  kind.ask?.([value]);
  for (const read of Object.values(kind.content ?? {})) read(value);
  const readers = [false, true].flatMap((capture) => kind.stream?.(capture, false) ?? []);
  for (const reader of readers) {
    for (const chunk of [value, { data: value }, { delta: value }, { interaction: value }, value]) {
      assert.equal(typeof reader.read(chunk), 'boolean');
    }
    reader.received().put({}, 'output');
    reader.messages?.();
  }
  return [
    kind.request(value, kind.body === undefined ? value : kind.body([value], value)),
    kind.response(value, value),
    ...readers.map((reader) => reader.attributes()),
  ];
}

function isAttribute(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'string' || typeof value === 'boolean';
}

describe('what Google, Mistral, Cohere and Ollama send', () => {
  it('may be anything: no reader throws, and no count is made up', async () => {
    const all = await kinds();
    assert.ok(all.length > 25, String(all.length));
    for (const [name, kind] of all) {
      for (const value of HOSTILE) {
        for (const attributes of useAll(kind, value)) {
          for (const [key, attribute] of Object.entries(attributes)) {
            assert.ok(isAttribute(attribute), `${name}: ${key} is ${String(attribute)}`);
            if (key.startsWith('gen_ai.usage.')) {
              assert.ok(
                typeof attribute === 'number' && attribute >= 0,
                `${name}: ${key} ${String(attribute)}`,
              );
            }
          }
        }
      }
    }
  });

  it('may be a hundred thousand chunks, of which nothing is kept that was not asked for', async () => {
    // Every one of the readers finds its text in it.
    const chunk = {
      data: { type: 'message.output.delta', content: 'x', choices: [{ delta: { content: 'x' } }] },
      candidates: [{ content: { parts: [{ text: 'x' }] } }],
      delta: { type: 'text', text: 'x', message: { content: { text: 'x' } } },
      eventType: 'text-generation',
      message: { content: 'x' },
      text: 'x',
    };
    for (const [name, kind] of await kinds()) {
      const reader = kind.stream?.(false, false);
      if (reader === undefined) continue;
      for (let i = 0; i < 100_000; i += 1) reader.read(chunk);
      assert.ok(JSON.stringify(reader.attributes()).length < 1000, name);
      assert.deepEqual(reader.messages?.() ?? [], [], name);
      const capturing = kind.stream?.(true, false);
      capturing?.read(chunk);
      assert.notDeepEqual(capturing?.messages?.(), [], name);
    }
  });
});
