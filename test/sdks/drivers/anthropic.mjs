import { bytes, count, few, SLOW, USAGE } from './reading.mjs';

export const packages = ['@anthropic-ai/sdk'];

const stream = true;
const SLOW_COUNTED = { ...SLOW, usage: USAGE };

export function scenarios({ modules, url, behave, prompt }) {
  const { Anthropic } = modules['@anthropic-ai/sdk'];
  const connect = (more = {}) => new Anthropic({ apiKey: 'sk-test', baseURL: url, maxRetries: 0, ...more });
  const anthropic = connect();
  const messages = [{ role: 'user', content: prompt }];
  const body = (more) => ({ model: 'claude-haiku-4-5', max_tokens: 99, messages, ...more });
  const under = async (behaviour, send) => {
    await behave(behaviour);
    return send();
  };
  const say = (more, options) => anthropic.messages.create(body(more), options);
  return {
    ...complete({ under, say, anthropic, body }),
    ...cutShort({ under, say }),
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
