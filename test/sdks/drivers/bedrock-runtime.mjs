import { count, LEFT, USAGE as ALL } from './reading.mjs';

export const packages = ['@aws-sdk/client-bedrock-runtime'];

const CLAUDE = 'eu.anthropic.claude-haiku-4-5-20251001-v1:0';
/** Bedrock tells reasoning inside the output alone. */
const USAGE = { ...ALL, reasoning: 0 };
const PLAIN_USAGE = { input: 450, output: 180 };

/** Models whose bodies differ, each with what it is asked. */
const FAMILIES = {
  Claude: [CLAUDE, (text) => ({ max_tokens: 9, messages: [{ role: 'user', content: text }] }), USAGE],
  Nova: ['amazon.nova-lite-v1:0', (text) => ({ messages: [{ role: 'user', content: [{ text }] }] }), USAGE],
  Llama: ['meta.llama3-8b-instruct-v1:0', (text) => ({ prompt: text })],
  Titan: ['amazon.titan-text-lite-v1', (text) => ({ inputText: text })],
  Mistral: ['mistral.mistral-7b-instruct-v0:2', (text) => ({ prompt: text })],
  Cohere: ['cohere.command-r-v1:0', (text) => ({ message: text })],
  OpenAI: ['openai.gpt-oss-20b-1:0', (text) => ({ messages: [{ role: 'user', content: text }] })],
};

export function scenarios({ modules, url, under, arrival, prompt }) {
  const sdk = modules['@aws-sdk/client-bedrock-runtime'];
  const connect = (more = {}) => ({
    region: 'eu-west-1',
    endpoint: url,
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' },
    maxAttempts: 1,
    ...more,
  });
  const client = new sdk.BedrockRuntimeClient(connect());
  const ask = (more) => ({
    modelId: CLAUDE,
    messages: [{ role: 'user', content: [{ text: prompt }] }],
    inferenceConfig: { maxTokens: 99 },
    ...more,
  });
  const lab = { arrival, sdk, client, connect, ask, under, prompt };
  return { ...converse(lab), ...cutShort(lab), ...failing(lab), ...invoked(lab), ...callbacks(lab) };
}

/** What an app may see of an output; ids differ between runs only by the port, times do. */
const shape = ({ $metadata, ...output }) => [
  Object.keys(output),
  $metadata.httpStatusCode,
  $metadata.attempts,
];

function converse({ sdk, client, connect, ask, under }) {
  const usage = USAGE;
  const send = (more) => client.send(new sdk.ConverseCommand(ask(more)));
  const stream = async (more) => (await client.send(new sdk.ConverseStreamCommand(ask(more)))).stream;
  return {
    plain: () =>
      under({ usage, serviceTier: 'priority' }, async () => {
        const output = await send();
        return [output.usage, output.output.message.content[0].text, ...shape(output)];
      }),
    stream: () => under({ usage, serviceTier: 'priority' }, async () => count(await stream())),
    tools: () => under({ usage, tool: true }, async () => (await send()).stopReason),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await send()).usage),
    helper: () =>
      under({ usage }, async () => {
        const runtime = new sdk.BedrockRuntime(connect());
        return (await runtime.converse(ask())).stopReason;
      }),
    guarded: () =>
      under({ usage }, async () => {
        const guardrailConfig = { guardrailIdentifier: 'gr-1', guardrailVersion: '1' };
        return (await send({ guardrailConfig })).stopReason;
      }),
    frozen: () =>
      under({ usage }, async () => {
        const own = Object.freeze(new sdk.BedrockRuntimeClient(connect()));
        Object.freeze(own.config);
        return (await own.send(Object.freeze(new sdk.ConverseCommand(ask())))).stopReason;
      }),
    sentTwice: {
      run: () =>
        under({ usage }, async () => {
          const command = new sdk.ConverseCommand(ask());
          return [(await client.send(command)).stopReason, (await client.send(command)).stopReason];
        }),
      spans: 2,
    },
    ...(sdk.CountTokensCommand && {
      countTokens: () =>
        under({ usage }, async () => {
          const input = { converse: { messages: ask().messages } };
          return (await client.send(new sdk.CountTokensCommand({ modelId: CLAUDE, input }))).inputTokens;
        }),
    }),
    neverRead: () =>
      under({ usage }, async () => {
        await stream();
        client.destroy();
        return 'left';
      }),
  };
}

function cutShort({ arrival, sdk, connect, ask, under }) {
  const slow = { ...LEFT, usage: USAGE };
  const client = new sdk.BedrockRuntimeClient(connect());
  const open = async (options) => (await client.send(new sdk.ConverseStreamCommand(ask()), options)).stream;
  return {
    break: () => under(slow, async () => count(await open(), 5)),
    abortEarly: () =>
      under({ delayMs: 8000 }, async () => {
        const stop = new AbortController();
        void arrival().then(() => stop.abort());
        return open({ abortSignal: stop.signal });
      }),
    closedMidway: () =>
      under({ usage: USAGE, closeAfter: 3, chunkDelayMs: 5 }, async () => count(await open())),
    errorMidway: () => under({ usage: USAGE, errorAfter: 3 }, async () => count(await open())),
  };
}

function failing({ sdk, connect, ask, under }) {
  const usage = USAGE;
  const client = new sdk.BedrockRuntimeClient(connect());
  const send = (more) => new sdk.BedrockRuntimeClient(connect(more)).send(new sdk.ConverseCommand(ask()));
  return {
    rateLimited: () => under({ status: 429 }, () => send()),
    rateLimitedStream: () =>
      under({ status: 429 }, () =>
        new sdk.BedrockRuntimeClient(connect()).send(new sdk.ConverseStreamCommand(ask())),
      ),
    denied: () => under({ status: 403 }, () => send()),
    retried: () =>
      under({ usage, status: 503, times: 1 }, async () => (await send({ maxAttempts: 2 })).stopReason),
    retriedInVain: () => under({ status: 503 }, () => send({ maxAttempts: 2 })),
    garbage: () => under({ garbage: true }, () => send()),
    noCommand: { run: () => under({}, () => client.send(Object.create(null))), spans: 0 },
    noInput: () => under({}, () => client.send(new sdk.ConverseCommand({ messages: null }))),
    refused: () => under({}, () => send({ endpoint: 'http://127.0.0.1:1' })),
  };
}

function invoked({ sdk, client, under, prompt }) {
  const json = (value) => new TextEncoder().encode(JSON.stringify(value));
  const input = (modelId, body) => ({ modelId, body: json(body), contentType: 'application/json' });
  const invoke = async (...asked) => {
    const output = await client.send(new sdk.InvokeModelCommand(input(...asked)));
    return [output.body.constructor.name, output.body.length, output.body.transformToString().slice(0, 9)];
  };
  const stream = async (asked, until) => {
    const output = await client.send(new sdk.InvokeModelWithResponseStreamCommand(input(...asked)));
    return count(output.body, until);
  };
  const all = {};
  for (const [name, [model, body, usage = PLAIN_USAGE]] of Object.entries(FAMILIES)) {
    all[`invoke${name}`] = () => under({ usage }, () => invoke(model, body(prompt)));
    all[`stream${name}`] = () => under({ usage }, () => stream([model, body(prompt)]));
  }
  const [llama, llamaBody] = FAMILIES.Llama;
  const embedded = { usage: { input: 20, output: 0 } };
  return {
    ...all,
    invokeBreak: () => under({ ...LEFT, usage: PLAIN_USAGE }, () => stream([llama, llamaBody(prompt)], 5)),
    invokeText: () =>
      under({ usage: PLAIN_USAGE }, async () => {
        const body = JSON.stringify(llamaBody(prompt));
        return (await client.send(new sdk.InvokeModelCommand({ modelId: llama, body }))).body.length;
      }),
    invokeArn: () =>
      under({ usage: USAGE }, () => {
        const arn = `arn:aws:bedrock:eu-west-1:123456789012:inference-profile/${CLAUDE}`;
        return invoke(arn, FAMILIES.Claude[1](prompt));
      }),
    embedTitan: () => under(embedded, () => invoke('amazon.titan-embed-text-v2:0', { inputText: prompt })),
    embedCohere: () =>
      under(embedded, () =>
        invoke('cohere.embed-english-v3', { texts: [prompt], input_type: 'search_query' }),
      ),
    rerank: () =>
      under(embedded, () => {
        const documents = Array.from({ length: 150 }, (_, index) => `document ${index}`);
        return invoke('cohere.rerank-v3-5:0', { query: prompt, documents });
      }),
    invokeNoJson: () => under({ garbage: true }, () => invoke(llama, llamaBody(prompt))),
    invokeDenied: () => under({ status: 403 }, () => invoke(llama, llamaBody(prompt))),
  };
}

/** The form before promises. */
function callbacks({ sdk, client, ask, under }) {
  const usage = USAGE;
  const called = (command, ...options) =>
    new Promise((resolve, reject) => {
      const returned = client.send(command, ...options, (...outcome) => {
        const [error, output] = outcome;
        if (error) reject(error);
        else resolve([output, returned, outcome.length]);
      });
    });
  return {
    callback: () =>
      under({ usage }, async () => {
        const [output, ...form] = await called(new sdk.ConverseCommand(ask()));
        return [output.stopReason, ...form];
      }),
    callbackStream: () =>
      under({ usage }, async () => {
        const [output] = await called(new sdk.ConverseStreamCommand(ask()), {});
        return count(output.stream);
      }),
    callbackDenied: () => under({ status: 403 }, () => called(new sdk.ConverseCommand(ask()))),
    callbackNested: {
      run: () =>
        under({ usage }, async () => {
          const [{ stream }] = await called(new sdk.ConverseStreamCommand(ask()));
          const again = await client.send(new sdk.ConverseCommand(ask()));
          return [await count(stream), again.stopReason];
        }),
      spans: 2,
    },
  };
}
