import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { installSet, setFolder } from '../../support/sdk-set.ts';

type Exports = Readonly<Record<string, unknown>>;
type Client = new (options: object) => object;

interface Adapter {
  readonly exportsOf: (client: unknown) => Exports | undefined;
}

/** Internal to the package: apps reach it by `instrument(client)`. */
async function adapter(file: string, name: string): Promise<Adapter> {
  const url = new URL(`../../../../instrumentation/dist/sdks/${file}.js`, import.meta.url);
  return ((await import(url.href)) as Readonly<Record<string, Adapter>>)[name]!;
}

function fromSet(set: string, name: string): Exports {
  return createRequire(join(setFolder(set), 'package.json'))(name) as Exports;
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Exports | undefined)?.[name], value);
}

/** Neither is a client of ours. */
const STRANGERS = [undefined, null, 7, {}, () => 1, Map, new Map(), { messages: { create: () => 1 } }];

describe('clients whose module a bundler hid', function () {
  for (const set of ['anthropic-current', 'anthropic-early']) {
    it(`are known by what they have, for the SDK of ${set} and its clients of other platforms`, async () => {
      await installSet(set);
      const { exportsOf } = await adapter('anthropic', 'anthropic');
      const sdk = fromSet(set, '@anthropic-ai/sdk');
      const Anthropic = sdk['Anthropic'] as Client;
      const { AnthropicBedrock } = fromSet(set, '@anthropic-ai/bedrock-sdk') as Record<string, Client>;
      const clients = [
        Anthropic,
        new Anthropic({ apiKey: 'x' }),
        new (class a extends Anthropic {})({ apiKey: 'x' }),
        new AnthropicBedrock!({ awsRegion: 'eu-west-1' }),
      ];
      for (const [index, client] of clients.entries()) {
        const found = exportsOf(client);
        for (const path of [['Messages'], ['Beta', 'Messages']]) {
          const wanted = at(Anthropic, ...path, 'prototype');
          assert.ok(wanted !== undefined);
          assert.equal(at(found, 'Anthropic', ...path, 'prototype'), wanted, `${index} ${path.join()}`);
        }
      }
      assert.equal(
        at(exportsOf(clients[1]), 'Anthropic', 'Messages', 'Batches', 'prototype'),
        at(Anthropic, 'Messages', 'Batches', 'prototype'),
      );
      for (const stranger of STRANGERS) assert.equal(exportsOf(stranger), undefined);
    });
  }

  for (const set of ['bedrock-current', 'bedrock-previous']) {
    it(`are known by what they have, for the SDK of ${set}`, async () => {
      await installSet(set);
      const { exportsOf } = await adapter('bedrock-runtime', 'bedrockRuntime');
      const sdk = fromSet(set, '@aws-sdk/client-bedrock-runtime');
      const { BedrockRuntimeClient, BedrockRuntime } = sdk as Record<string, Client>;
      const options = { region: 'eu-west-1' };
      const clients = [
        BedrockRuntimeClient!,
        new BedrockRuntimeClient!(options),
        new BedrockRuntime!(options),
        new (class a extends BedrockRuntimeClient! {})(options),
      ];
      for (const [index, client] of clients.entries()) {
        const found = at(exportsOf(client), 'BedrockRuntimeClient', 'prototype');
        assert.equal(found, BedrockRuntimeClient!.prototype, String(index));
      }
      for (const stranger of STRANGERS) assert.equal(exportsOf(stranger), undefined);
    });
  }
});
