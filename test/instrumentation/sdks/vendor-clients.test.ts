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
import {
  startCohereStandIn,
  startGeminiStandIn,
  startMistralStandIn,
  startOllamaStandIn,
  type StandIn,
} from '../../support/provider/index.ts';
import { installSet, setFolder } from '../../support/sdk-set.ts';

type Adapter = ConstructorParameters<typeof SdkInstrumentation>[0];
type Loaded = Record<string, new (options: object) => unknown>;

interface Vendor {
  readonly adapter: string;
  readonly set: string;
  readonly module: string;
  readonly start: () => Promise<StandIn>;
  readonly client: (loaded: Loaded, url: string) => unknown;
  readonly ask: (client: never) => Promise<unknown>;
  readonly name: string;
}

const messages = [{ role: 'user', content: 'Hello' }];

const VENDORS: readonly Vendor[] = [
  {
    adapter: 'google-genai googleGenai',
    set: 'google-previous',
    module: '@google/genai',
    start: startGeminiStandIn,
    client: ({ GoogleGenAI }, url) => new GoogleGenAI!({ apiKey: 'test', httpOptions: { baseUrl: url } }),
    ask: (client: { interactions: { create(request: object): Promise<unknown> } }) =>
      client.interactions.create({ model: 'gemini-2.5-flash', input: 'Hello' }),
    name: 'generate_content gemini-2.5-flash',
  },
  {
    adapter: 'mistral mistral',
    set: 'vendors-previous',
    module: '@mistralai/mistralai',
    start: startMistralStandIn,
    client: ({ Mistral }, url) => new Mistral!({ apiKey: 'test', serverURL: url }),
    ask: (client: { chat: { complete(request: object): Promise<unknown> } }) =>
      client.chat.complete({ model: 'mistral-small', messages }),
    name: 'chat mistral-small',
  },
  {
    adapter: 'cohere cohere',
    set: 'vendors-previous',
    module: 'cohere-ai',
    start: startCohereStandIn,
    client: ({ CohereClientV2 }, url) => new CohereClientV2!({ token: 'test', environment: url }),
    ask: (client: { chat(request: object): Promise<unknown> }) =>
      client.chat({ model: 'command-a', messages }),
    name: 'chat command-a',
  },
  {
    adapter: 'cohere cohere',
    set: 'vendors-previous',
    module: 'cohere-ai',
    start: startCohereStandIn,
    client: ({ CohereClient }, url) => new CohereClient!({ token: 'test', environment: url }),
    ask: (client: { v2: { chat(request: object): Promise<unknown> } }) =>
      client.v2.chat({ model: 'command-a', messages }),
    name: 'chat command-a',
  },
  {
    adapter: 'ollama ollama',
    set: 'vendors-previous',
    module: 'ollama',
    start: startOllamaStandIn,
    client: ({ Ollama }, url) => new Ollama!({ host: url }),
    ask: (client: { chat(request: object): Promise<unknown> }) =>
      client.chat({ model: 'llama3.2', messages }),
    name: 'chat llama3.2',
  },
];

async function adapterOf(path: string): Promise<Adapter> {
  const [file = '', name = ''] = path.split(' ');
  const adapter = (await instrumentationFile<Record<string, Adapter>>(`sdks/${file}.js`))[name];
  assert.ok(adapter !== undefined, path);
  return adapter;
}

describe('a client whose module nobody saw', function () {
  this.timeout(300_000);

  for (const vendor of VENDORS) {
    it(`is instrumented by hand: ${vendor.module}, until that is switched off`, async () => {
      await installSet(vendor.set);
      const loaded = createRequire(join(setFolder(vendor.set), 'app.cjs'))(vendor.module) as Loaded;
      const standIn = await vendor.start();
      const exporter = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      const instrumentation = new SdkInstrumentation(await adapterOf(vendor.adapter));
      try {
        instrumentation.setTracerProvider(provider);
        const client = vendor.client(loaded, standIn.url) as never;
        const isOurs = instrumentation.instrumentClient(client);
        assert.equal(isOurs, true);
        await vendor.ask(client);
        const names = exporter.getFinishedSpans().map(({ name }) => name);
        assert.deepEqual(names, [vendor.name]);
        instrumentation.disable();
        await vendor.ask(client);
        assert.equal(exporter.getFinishedSpans().length, 1);
        instrumentation.enable();
        await vendor.ask(client);
        assert.equal(exporter.getFinishedSpans().length, 2);
      } finally {
        instrumentation.disable();
        await standIn.close();
      }
    });
  }

  it('may be given each time that one is made, and nothing adds up', async () => {
    for (const vendor of VENDORS.filter(({ adapter }) => /^(mistral|google-genai) /.test(adapter))) {
      await installSet(vendor.set);
      const loaded = createRequire(join(setFolder(vendor.set), 'app.cjs'))(vendor.module) as Loaded;
      const adapter = await adapterOf(vendor.adapter);
      const counts = { undos: 0, patches: 0 };
      // The hosts that adapters know apart are objects: one for all patches, as the instrumentation has.
      const hosts = new Map<object, Parameters<NonNullable<Adapter['patch']>>[1]>();
      const counting: Adapter = {
        ...adapter,
        patch: (moduleExports, host) => {
          const known = hosts.get(host) ?? {
            ...host,
            onDisable: (undo: () => void): void => {
              counts.undos += 1;
              host.onDisable(undo);
            },
          };
          hosts.set(host, known);
          counts.patches += 1;
          return adapter.patch?.(moduleExports, known);
        },
      };
      const instrumentation = new SdkInstrumentation(counting);
      try {
        const give = (): boolean =>
          instrumentation.instrumentClient(vendor.client(loaded, 'http://127.0.0.1:9'));
        assert.equal(give(), true);
        const { undos } = counts;
        assert.ok(undos > 0, vendor.module);
        for (let each = 0; each < 10; each += 1) give();
        assert.equal(counts.undos, undos, vendor.module);
        instrumentation.disable();
        counts.patches = 0;
        instrumentation.enable();
        assert.equal(counts.patches, 1, vendor.module);
      } finally {
        instrumentation.disable();
      }
    }
  });

  it('of another SDK is left alone', async () => {
    for (const path of new Set(VENDORS.map(({ adapter }) => adapter))) {
      const instrumentation = new SdkInstrumentation(await adapterOf(path));
      for (const other of [{ chat: { completions: {} } }, {}, null, undefined, 'client', () => 1]) {
        assert.equal(instrumentation.instrumentClient(other), false, path);
      }
      instrumentation.disable();
    }
  });
});
