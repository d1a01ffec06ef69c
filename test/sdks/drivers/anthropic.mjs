import { bytes, count, few, SLOW, USAGE } from './reading.mjs';

export const packages = ['@anthropic-ai/sdk'];

const stream = true;
const SLOW_COUNTED = { ...SLOW, usage: USAGE };

export function scenarios({ modules, url, under, prompt }) {
  const { Anthropic } = modules['@anthropic-ai/sdk'];
  const connect = (more = {}) => new Anthropic({ apiKey: 'sk-test', baseURL: url, maxRetries: 0, ...more });
  const anthropic = connect();
  const messages = [{ role: 'user', content: prompt }];
  const body = (more) => ({ model: 'claude-haiku-4-5', max_tokens: 99, messages, ...more });
  const say = (more, options) => anthropic.messages.create(body(more), options);
  return {
    ...complete({ under, say, anthropic, body }),
    ...helpers({ under, anthropic, body }),
    ...further({ under, say, anthropic, body, prompt }),
    ...cutShort({ under, say }),
    ...owned({ under, connect, body }),
    ...failing({ under, say, body, connect }),
  };
}

function complete({ under, say, anthropic, body }) {
  const usage = USAGE;
  return {
    plain: () => under({ usage }, async () => (await say()).content[0].text),
    stream: () => under({ usage }, async () => count(await say({ stream }))),
    tools: () => under({ usage, tool: true }, async () => (await say()).stop_reason),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await say()).usage),
    helper: () =>
      under(
        { usage },
        async () => (await anthropic.messages.stream(body()).finalMessage()).usage.output_tokens,
      ),
    beta: () => under({ usage }, async () => (await anthropic.beta.messages.create(body())).content[0].text),
    betaStream: () =>
      under({ usage }, async () => count(await anthropic.beta.messages.create(body({ stream })))),
    tee: () =>
      under({ usage }, async () => {
        const [left, right] = (await say({ stream })).tee();
        return [await count(left), await count(right)];
      }),
    readable: () => under({ usage }, async () => bytes((await say({ stream })).toReadableStream())),
    asResponse: () =>
      under({ usage }, async () => (await (await say().asResponse()).json()).usage.output_tokens),
    withResponse: () =>
      under({ usage }, async () => {
        const { data, response } = await say().withResponse();
        return [data.usage.output_tokens, response.status];
      }),
  };
}

/** What the SDK builds on messages; versions have more or fewer of them. */
function helpers({ under, anthropic, body }) {
  const usage = USAGE;
  const { messages, beta } = anthropic;
  const tools = [
    {
      type: 'custom',
      name: 'lookup',
      description: 'Looks something up.',
      input_schema: { type: 'object' },
      run: () => 'found',
      parse: (input) => input,
    },
  ];
  const format = { type: 'json_schema', schema: { type: 'object' }, parse: (text) => text.length };
  return {
    ...(messages.parse && {
      parse: () =>
        under(
          { usage },
          async () => (await messages.parse(body({ output_config: { format } }))).parsed_output,
        ),
      parseRateLimited: () => under({ status: 429, retryAfterMs: 5 }, () => messages.parse(body())),
    }),
    ...(beta.messages.toolRunner && {
      toolRunner: {
        run: () =>
          under({ usage, tool: true }, async () => {
            const runner = beta.messages.toolRunner(body({ tools, max_iterations: 2 }));
            const reasons = [];
            for await (const message of runner) reasons.push(message.stop_reason);
            return reasons;
          }),
        spans: 2,
      },
    }),
    betaHelper: () =>
      under({ usage }, async () => {
        const seen = [];
        const helper = beta.messages.stream(body()).on('text', (text) => seen.push(text));
        await helper.done();
        return seen.length;
      }),
    helperAbort: () =>
      under(SLOW_COUNTED, async () => {
        const helper = messages.stream(body());
        helper.once('text', () => helper.abort());
        return helper.finalMessage();
      }),
  };
}

/** Requests besides messages, and what only a usage tells. */
function further({ under, say, anthropic, body, prompt }) {
  const usage = USAGE;
  const { messages, beta } = anthropic;
  const iteration = { input_tokens: 100, output_tokens: 10, cache_read_input_tokens: 5 };
  const compaction = {
    ...iteration,
    type: 'compaction',
    cache_creation_input_tokens: 30,
    cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 0 },
  };
  const advisor = { ...iteration, type: 'advisor_message', model: 'claude-opus-4-7' };
  const declined = { ...iteration, type: 'message' };
  const compacted = { usage, usageFields: { iterations: [declined, compaction] } };
  const advised = { usage, usageFields: { iterations: [declined, advisor, advisor] } };
  const searched = {
    usage,
    usageFields: {
      server_tool_use: { web_search_requests: 3, web_fetch_requests: 2 },
      speed: 'fast',
      inference_geo: 'us',
      service_tier: 'priority',
    },
  };
  const odd = {
    usage,
    usageFields: {
      cache_creation: null,
      server_tool_use: 'many',
      iterations: [null, 7, { type: 'compaction' }],
      output_tokens_details: null,
    },
  };
  const read = async (lines) => {
    const types = [];
    for await (const { result } of await lines) types.push(result.type);
    return types;
  };
  return {
    compaction: () => under(compacted, async () => (await beta.messages.create(body())).stop_reason),
    compactionStream: () => under(compacted, async () => count(await beta.messages.create(body({ stream })))),
    advisor: { run: () => under(advised, async () => (await say()).stop_reason), spans: 3 },
    advisorStream: { run: () => under(advised, async () => count(await say({ stream }))), spans: 3 },
    serverTools: () => under(searched, async () => (await say()).usage.server_tool_use),
    serverToolsStream: () => under(searched, async () => count(await say({ stream }))),
    oddUsage: () => under(odd, async () => (await say()).stop_reason),
    countTokens: () =>
      under(
        { usage },
        async () => (await messages.countTokens(body({ max_tokens: undefined }))).input_tokens,
      ),
    batch: {
      run: () =>
        under({ usage }, async () => {
          const params = body();
          const made = await messages.batches.create({ requests: [{ custom_id: 'request-0', params }] });
          return read(messages.batches.results(made.id));
        }),
      spans: 2,
    },
    batchAgain: {
      run: () => under({ usage }, () => read(beta.messages.batches.results('msgbatch_1'))),
      spans: 0,
    },
    batchRefused: {
      run: () => under({ status: 404 }, () => messages.batches.results('msgbatch_2')),
      spans: 0,
    },
    ...(anthropic.completions && {
      completion: () =>
        under({ usage }, async () => {
          const request = { model: 'claude-2.1', max_tokens_to_sample: 9, prompt };
          return (await anthropic.completions.create(request)).completion;
        }),
      completionStream: () =>
        under({ usage }, async () => {
          const request = { model: 'claude-2.1', max_tokens_to_sample: 9, prompt, stream };
          return count(await anthropic.completions.create(request));
        }),
    }),
  };
}

/** Clients that the app keeps from being changed. */
function owned({ under, connect, body }) {
  const usage = USAGE;
  return {
    frozen: () =>
      under({ usage }, async () => {
        const client = Object.freeze(connect());
        Object.freeze(client.messages);
        return (await client.messages.create(body())).stop_reason;
      }),
    ownFetch: () =>
      under({ usage }, async () => {
        const client = connect({ fetch: (url, init) => fetch(url, init) });
        return (await client.messages.create(body())).stop_reason;
      }),
    circular: () =>
      under({ usage }, () => {
        const loop = body();
        loop.self = loop;
        return connect().messages.create(loop);
      }),
  };
}

function cutShort({ under, say }) {
  return {
    break: () => under(SLOW_COUNTED, async () => count(await say({ stream }), 5)),
    abort: () =>
      under(SLOW_COUNTED, async () => {
        const source = await say({ stream });
        return few(await count(source, 5, () => source.controller.abort()));
      }),
    neverRead: () =>
      under({ usage: USAGE }, async () => {
        await say({ stream });
        return 'left';
      }),
  };
}

function failing({ under, say, body, connect }) {
  const usage = USAGE;
  return {
    errorMidway: () => under({ usage, errorAfter: 3 }, async () => count(await say({ stream }))),
    closedMidway: () =>
      under({ usage, closeAfter: 3, chunkDelayMs: 5 }, async () => count(await say({ stream }))),
    rateLimited: () => under({ status: 429, retryAfterMs: 5 }, () => say()),
    overloaded: () => under({ status: 529 }, () => say()),
    retried: () =>
      under(
        { usage, status: 529, times: 1, retryAfterMs: 5 },
        async () => (await say({}, { maxRetries: 2 })).model,
      ),
    garbage: () => under({ garbage: true }, () => say()),
    refused: () => under({}, () => connect({ baseURL: 'http://127.0.0.1:1' }).messages.create(body())),
  };
}
