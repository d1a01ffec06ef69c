import { createRequire } from 'node:module';
import { count, USAGE } from './reading.mjs';

// The rival has to be there before what it watches is loaded, so it alone is loaded by the runner.
export const packages = ['@opentelemetry/instrumentation-aws-sdk'];

const CLAUDE = 'eu.anthropic.claude-haiku-4-5-20251001-v1:0';

export function scenarios({ modules, url, under, prompt }) {
  const { AwsInstrumentation } = modules['@opentelemetry/instrumentation-aws-sdk'];
  new AwsInstrumentation().enable();
  const sdk = createRequire(import.meta.url)('@aws-sdk/client-bedrock-runtime');
  const client = new sdk.BedrockRuntimeClient({
    region: 'eu-west-1',
    endpoint: url,
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  const input = { modelId: CLAUDE, messages: [{ role: 'user', content: [{ text: prompt }] }] };
  const body = JSON.stringify({ max_tokens: 9, messages: [{ role: 'user', content: prompt }] });
  const usage = { ...USAGE, reasoning: 0 };
  const two = (run) => ({ run, spans: 2 });
  return {
    plain: two(() =>
      under({ usage }, async () => (await client.send(new sdk.ConverseCommand(input))).stopReason),
    ),
    stream: two(() =>
      under({ usage }, async () => count((await client.send(new sdk.ConverseStreamCommand(input))).stream)),
    ),
    break: two(() =>
      under({ usage }, async () =>
        count((await client.send(new sdk.ConverseStreamCommand(input))).stream, 3),
      ),
    ),
    invoke: two(() =>
      under({ usage }, async () => {
        const output = await client.send(new sdk.InvokeModelCommand({ modelId: CLAUDE, body }));
        return output.body.length;
      }),
    ),
    invokeStream: two(() =>
      under({ usage }, async () => {
        const command = new sdk.InvokeModelWithResponseStreamCommand({ modelId: CLAUDE, body });
        return count((await client.send(command)).body);
      }),
    ),
  };
}
