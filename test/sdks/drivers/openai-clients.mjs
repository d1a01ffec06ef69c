import { count, USAGE } from './reading.mjs';

export const packages = ['openai'];

const usage = USAGE;
const stream = true;

export function scenarios({ modules, url, under, prompt }) {
  const sdk = modules.openai;
  const body = (more) => ({ model: 'gpt-4o', messages: [{ role: 'user', content: prompt }], ...more });
  const given = { sdk, url, body, under };
  return { ...clouds(given), ...clients(given), ...servers(given), ...tools(given), ...oddities(given) };
}

function clouds({ sdk, url, body, under }) {
  const azure = (more) =>
    new sdk.AzureOpenAI({
      apiKey: 'test',
      baseURL: `${url}/openai`,
      apiVersion: '2025-04-01-preview',
      maxRetries: 0,
      ...more,
    });
  const chat = async (client, more) => (await client.chat.completions.create(body(more))).object;
  return {
    azure: () => under({ usage }, () => chat(azure())),
    azureDeployment: () => under({ usage }, () => chat(azure({ deployment: 'mine' }), { model: '' })),
    azureStream: () =>
      under({ usage }, async () => {
        const request = body({ stream, stream_options: { include_usage: true } });
        return count(await azure().chat.completions.create(request));
      }),
    bedrock: () =>
      under({ usage }, async () => {
        // Only newer versions have it.
        if (sdk.BedrockOpenAI === undefined)
          return chat(new sdk.OpenAI({ apiKey: 'test', baseURL: `${url}/v1` }));
        return chat(new sdk.BedrockOpenAI({ apiKey: 'test', baseURL: `${url}/v1` }));
      }),
  };
}

function clients({ sdk, url, body, under }) {
  const options = { apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0 };
  class Mine extends sdk.OpenAI {}
  return {
    subclass: () =>
      under({ usage }, async () => (await new Mine(options).chat.completions.create(body())).object),
    frozen: () =>
      under({ usage }, async () => {
        const client = new sdk.OpenAI(options);
        Object.freeze(client.chat.completions);
        return (await client.chat.completions.create(Object.freeze(body()))).object;
      }),
    withOptions: () =>
      under({ usage }, async () => {
        const client = new sdk.OpenAI(options).withOptions({ timeout: 5000 });
        return (await client.chat.completions.create(body())).object;
      }),
  };
}

/** Answers of compatible servers, each in its own words. */
const ANSWERS = {
  deepseek: ['https://api.deepseek.com', { prompt_cache_hit_tokens: 60, prompt_cache_miss_tokens: 40 }],
  xai: [
    'https://api.x.ai/v1',
    { total_tokens: 137, completion_tokens_details: { reasoning_tokens: 17 }, cost_in_usd_ticks: 12345 },
  ],
  openrouter: [
    'https://openrouter.ai/api/v1',
    { cost: 0.0123, is_byok: true, cost_details: { upstream_inference_cost: 0.2 } },
  ],
  perplexity: ['https://api.perplexity.ai', { search_context_size: 'high', cost: { total_cost: 0.5 } }],
  gemini: [
    'https://generativelanguage.googleapis.com/v1beta/openai',
    { total_tokens: 150 },
    'gemini-2.5-flash',
  ],
  moonshot: ['https://api.moonshot.ai/v1', { cached_tokens: 30 }],
};

function servers({ sdk, body, under }) {
  const answer = (told, model) => () => {
    const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, ...told };
    const choices = [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }];
    return Promise.resolve(
      Response.json({ id: 'a', object: 'chat.completion', created: 1, model, choices, usage }),
    );
  };
  return Object.fromEntries(
    Object.entries(ANSWERS).map(([name, [baseURL, told, model = 'some-model']]) => [
      name,
      () =>
        under({}, async () => {
          const client = new sdk.OpenAI({ apiKey: 'test', baseURL, fetch: answer(told, model) });
          return (await client.chat.completions.create(body({ model }))).usage;
        }),
    ]),
  );
}

function tools({ sdk, url, body, under }) {
  const client = new sdk.OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0 });
  const lookup = {
    type: 'function',
    function: { name: 'lookup', parameters: {}, parse: JSON.parse, function: () => 'all well' },
  };
  const run = (more, maxChatCompletions = 2) => {
    const request = body({ tools: [lookup], ...more });
    const runner = client.chat.completions.runTools(request, { maxChatCompletions });
    return runner.done().then(
      () => runner.messages.length,
      (error) => error.constructor.name,
    );
  };
  return {
    runTools: { spans: 2, run: () => under({ usage, tool: true }, () => run()) },
    fiftyHops: { spans: 50, run: () => under({ usage, tool: true }, () => run({}, 50)) },
    runToolsStream: {
      spans: 2,
      run: () => under({ usage, tool: true }, () => run({ stream, stream_options: { include_usage: true } })),
    },
  };
}

/** Answers that nobody should send. */
const ODD = {
  usageNull: { usage: null },
  usageTexts: { usage: { prompt_tokens: '12', completion_tokens: -3, prompt_tokens_details: 'none' } },
  usageNotFinite: {
    usage: { prompt_tokens: Number.POSITIVE_INFINITY, completion_tokens: {} },
    choices: null,
  },
  nothing: null,
  list: [],
  text: 'text',
};

function oddities({ sdk, body, under }) {
  const odd = Object.entries(ODD).map(([name, answer]) => [
    name,
    () =>
      under({}, async () => {
        const fetch = () => Promise.resolve(Response.json(answer));
        const client = new sdk.OpenAI({ apiKey: 'test', baseURL: 'https://api.openai.com/v1', fetch });
        return (await client.embeddings.create({ ...body(), input: 'hi', encoding_format: 'float' }))?.object;
      }),
  ]);
  const page = () =>
    Promise.resolve(
      new Response('<html>Bad gateway</html>', { status: 502, headers: { 'content-type': 'text/html' } }),
    );
  return {
    ...Object.fromEntries(odd),
    circular: () =>
      under({}, async () => {
        const request = body();
        request.metadata = { request };
        const client = new sdk.OpenAI({ apiKey: 'test', baseURL: 'https://api.openai.com/v1', fetch: page });
        return client.chat.completions.create(request);
      }),
    ...cutText({ sdk, body, under }),
    htmlError: () =>
      under({}, () => {
        const options = { apiKey: 'test', baseURL: 'https://api.openai.com/v1', fetch: page, maxRetries: 0 };
        return new sdk.OpenAI(options).chat.completions.create(body());
      }),
  };
}

/** A stream whose pieces part a character, and one that ends in the middle of one. */
function cutText({ sdk, body, under }) {
  const chunk = { id: 'chatcmpl-9', object: 'chat.completion.chunk', model: 'gpt-4o' };
  const choices = [{ index: 0, delta: { content: 'a \u{1F426} sings' }, finish_reason: null }];
  const usage = { prompt_tokens: 40, completion_tokens: 8, total_tokens: 48 };
  const events = [
    { ...chunk, choices },
    { ...chunk, choices: [], usage },
  ];
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  const bytes = new TextEncoder().encode(`${text}data: [DONE]\n\n`);
  const middle = bytes.indexOf(0xf0) + 2;
  const read = (pieces) =>
    under({}, async () => {
      const source = new ReadableStream({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece);
          controller.close();
        },
      });
      const answer = new Response(source, { headers: { 'content-type': 'text/event-stream' } });
      const client = new sdk.OpenAI({ apiKey: 'test', fetch: () => Promise.resolve(answer) });
      const seen = [];
      const request = body({ stream: true, stream_options: { include_usage: true } });
      for await (const { choices } of await client.chat.completions.create(request)) {
        seen.push(choices[0]?.delta.content ?? null);
      }
      return seen;
    });
  return {
    cutInCharacter: () => read([bytes.slice(0, middle), bytes.slice(middle)]),
    endsInCharacter: () => read([bytes.slice(0, middle)]),
  };
}
