import { count, SLOW, USAGE } from './reading.mjs';
import { streamScenarios } from './stainless-scenarios.mjs';

export const packages = ['openai'];

const stream = true;
const usage = USAGE;

export function scenarios({ modules, url, under, prompt }) {
  const openai = new modules.openai.OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0 });
  const body = (more) => ({ model: 'gpt-6.2-sol', instructions: 'Be brief.', input: prompt, ...more });
  const create = (more, options) => openai.responses.create(body(more), options);
  const given = { under, openai, body, create };
  return {
    ...complete(given),
    ...streamed(given),
    ...failing(given),
    ...background(given),
    ...unusual(given),
  };
}

function complete({ under, openai, body, create }) {
  return {
    plain: () => under({ usage }, async () => (await create()).output_text),
    tools: () => under({ usage, tool: true }, async () => (await create()).output[0].type),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await create()).usage),
    parse: () => under({ usage }, async () => (await openai.responses.parse(body())).output_parsed),
    conversation: () =>
      under({ usage }, async () => {
        const first = await create({ conversation: { id: 'conv_1' } });
        const next = await create({ previous_response_id: first.id, service_tier: 'flex' });
        return [first.status, next.status];
      }),
    withResponse: () =>
      under({ usage }, async () => {
        const { data, response } = await create().withResponse();
        return [data.usage.input_tokens, response.status];
      }),
    asResponse: () =>
      under({ usage }, async () => (await (await create().asResponse()).json()).usage.output_tokens),
    webSearch: () =>
      under({ usage }, async () => (await create({ tools: [{ type: 'web_search' }] })).output.length),
    incomplete: () => under({ usage }, async () => (await create({ model: 'stops-short' })).status),
    failed: () => under({ usage }, async () => (await create({ model: 'fails' })).error.code),
    compact: () => under({ usage }, async () => (await openai.responses.compact(body())).object),
  };
}

function streamed({ under, openai, body, create }) {
  return {
    // Four events come before the first piece of text.
    ...streamScenarios({ under, usage, stream: () => create({ stream }), until: 6 }),
    streamTools: () => under({ usage, tool: true }, async () => count(await create({ stream }))),
    streamWebSearch: () =>
      under({ usage }, async () => count(await create({ stream, tools: [{ type: 'web_search' }] }))),
    streamFailed: () => under({ usage }, async () => count(await create({ stream, model: 'fails' }))),
    helper: () =>
      under({ usage }, async () => {
        const response = await openai.responses.stream(body()).finalResponse();
        return [response.output_text, response.usage.total_tokens];
      }),
    withResponseStream: () =>
      under({ usage }, async () => {
        const { data, response } = await create({ stream }).withResponse();
        return [await count(data), response.status];
      }),
  };
}

function failing({ under, create }) {
  return {
    rateLimited: () => under({ status: 429, retryAfterMs: 5 }, () => create()),
    retried: () =>
      under(
        { usage, status: 500, times: 1, retryAfterMs: 5 },
        async () => (await create({}, { maxRetries: 2 })).status,
      ),
    garbage: () => under({ garbage: true }, () => create()),
  };
}

function background({ under, openai, create }) {
  const { responses } = openai;
  return {
    background: {
      spans: 5,
      run: () =>
        under({ usage }, async () => {
          const { id, status } = await create({ background: true });
          const seen = [status];
          for (let look = 0; look < 4; look += 1) seen.push((await responses.retrieve(id)).status);
          return seen;
        }),
    },
    backgroundStream: {
      spans: 2,
      run: () =>
        under({ usage }, async () => {
          let id;
          for await (const event of await create({ background: true, stream })) id ??= event.response?.id;
          return (await responses.retrieve(id)).status;
        }),
    },
    backgroundReplayed: {
      spans: 3,
      run: () =>
        under({ usage, ...SLOW }, async () => {
          let id;
          for await (const event of await create({ background: true, stream })) {
            id ??= event.response?.id;
            if (event.type === 'response.output_text.delta') break;
          }
          const replay = () => responses.retrieve(id, { stream }, { headers: { 'x-replay': 'yes' } });
          return under({ usage }, async () => [await count(await replay()), await count(await replay())]);
        }),
    },
    cancelled: {
      spans: 3,
      run: () =>
        under({ usage }, async () => {
          const { id } = await create({ background: true });
          return [(await responses.cancel(id)).status, (await responses.retrieve(id)).status];
        }),
    },
    notFound: () => under({}, () => responses.retrieve('resp_404')),
  };
}

function unusual({ under, create, openai }) {
  return {
    frozenBody: () => under({ usage }, async () => (await create(Object.freeze({ text: {} }))).status),
    noInput: () => under({ usage }, async () => (await openai.responses.create({})).status),
    concurrent: {
      spans: 5,
      run: () =>
        under({ usage }, async () => {
          const all = await Promise.all(Array.from({ length: 5 }, () => create()));
          return all.map(({ status }) => status);
        }),
    },
  };
}
