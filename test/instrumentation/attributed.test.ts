import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { SdkInstrumentation, attributed } from '@spanmeter/instrumentation';
import { instrumentationFile } from '../support/instrumentation-source.ts';
import { startBedrockStandIn } from '../support/provider/index.ts';
import { installSet, setFolder } from '../support/sdk-set.ts';

type Adapter = ConstructorParameters<typeof SdkInstrumentation>[0];
interface Command {
  readonly input: object;
}
interface Bedrock {
  readonly BedrockRuntimeClient: new (options: object) => { send(command: Command): Promise<unknown> };
  readonly ConverseCommand: new (input: object) => Command;
}

describe('the parameters of one call with an attribution', function () {
  this.timeout(120_000);

  it('are a copy of the same class, with nothing that is sent besides', () => {
    class Command {
      readonly input = { model: 'm' };
      send(): string {
        return this.input.model;
      }
    }
    const command = new Command();
    const given = attributed(command, { feature: 'search' });
    assert.notEqual(given, command);
    assert.equal(given.send(), 'm');
    assert.equal(JSON.stringify(given), JSON.stringify(command));
    assert.deepEqual(Array.from(attributed(['a', 'b'], { feature: 'search' })), ['a', 'b']);
    assert.equal(JSON.stringify(attributed({ model: 'm' }, { feature: 'search' })), '{"model":"m"}');
    assert.equal(JSON.stringify(attributed(undefined as unknown as object, {})), '{}');
  });

  it('may be a command of AWS or what is in it', async () => {
    await installSet('bedrock-current');
    const require = createRequire(join(setFolder('bedrock-current'), 'app.cjs'));
    const { BedrockRuntimeClient, ConverseCommand } = require('@aws-sdk/client-bedrock-runtime') as Bedrock;
    const { bedrockRuntime } = await instrumentationFile<{ bedrockRuntime: Adapter }>(
      'sdks/bedrock-runtime.js',
    );
    const standIn = await startBedrockStandIn();
    const exporter = new InMemorySpanExporter();
    const instrumentation = new SdkInstrumentation(bedrockRuntime);
    try {
      instrumentation.setTracerProvider(
        new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
      );
      const client = new BedrockRuntimeClient({
        region: 'eu-west-1',
        endpoint: standIn.url,
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      });
      instrumentation.instrumentClient(client);
      const input = {
        modelId: 'eu.anthropic.claude-haiku-4-5-20251001-v1:0',
        messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
      };
      await client.send(attributed(new ConverseCommand(input), { feature: 'outside' }));
      await client.send(new ConverseCommand(attributed(input, { feature: 'inside' })));
      const features = exporter.getFinishedSpans().map(({ attributes }) => attributes['spanmeter.feature']);
      assert.deepEqual(features, ['outside', 'inside']);
    } finally {
      instrumentation.disable();
      await standIn.close();
    }
  });
});
