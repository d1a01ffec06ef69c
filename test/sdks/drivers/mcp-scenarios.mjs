// What clients and servers of the protocol do, whichever packages they are of: both are in this process.

/** `versions` gives the classes, and hides what registering a handler and calling a tool look like. */
export function mcpScenarios(versions) {
  const { Client, McpServer, InMemoryTransport, onSampling, callTool, inputSchema, spanmeter } = versions;
  const connect = async (options = {}) => {
    const server = new McpServer({ name: 'lab', version: '1.0.0' });
    server.registerTool('add', { description: 'Adds', inputSchema }, async ({ a, b }) => ({
      content: [{ type: 'text', text: `blue heron ${a + b}` }],
    }));
    server.registerTool('fail', { description: 'Fails' }, async () => {
      throw new Error('blue heron');
    });
    server.registerTool('slow', { description: 'Waits' }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { content: [] };
    });
    server.registerTool('ask', { description: 'Asks the client' }, async () => {
      const messages = [{ role: 'user', content: { type: 'text', text: 'blue heron' } }];
      const answer = await server.server.createMessage({ messages, maxTokens: 9 });
      return { content: [{ type: 'text', text: answer.model }] };
    });
    server.registerTool('deep', { description: 'Has spans of its own' }, async () => {
      spanmeter.recordCall({ provider: 'openai', model: 'gpt-4o', inputTokens: 5, outputTokens: 6 });
      return { content: [] };
    });
    /** What came along with the request, of which the app sees the same with and without us. */
    server.registerTool('meta', { description: 'Tells what came along' }, async (_, extra) => {
      const meta = extra?._meta ?? extra?.mcpReq?._meta ?? _?._meta ?? _?.mcpReq?._meta;
      return {
        content: [
          {
            type: 'text',
            text: Object.keys(meta ?? {})
              .toSorted()
              .join(),
          },
        ],
      };
    });
    server.registerPrompt('greet', { description: 'Greets' }, async () => ({
      messages: [{ role: 'user', content: { type: 'text', text: 'blue heron' } }],
    }));
    server.registerResource('note', 'note://1', {}, async (uri) => ({
      contents: [{ uri: uri.href, text: 'blue heron' }],
    }));
    const client = new Client({ name: 'lab', version: '1.0.0' }, { capabilities: { sampling: {} } });
    onSampling(client, async () => ({
      role: 'assistant',
      model: 'echo-1',
      content: { type: 'text', text: 'blue heron' },
    }));
    const [near, far] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(far), client.connect(near, options)]);
    return {
      client,
      close: async () => {
        await client.close();
        await server.close();
      },
    };
  };
  /** Connecting is a request of its own: a span on either side. */
  const connected = (spans, use) => ({
    spans: spans + 2,
    run: async () => {
      const { client, close } = await connect();
      try {
        return await use(client);
      } finally {
        await close();
      }
    },
  });
  const call = (client, name, args = {}, ...options) =>
    callTool(client, { name, arguments: args }, ...options);
  return requests({ connected, call });
}

/** A span on either side of each. */
function requests({ connected, call }) {
  return {
    initialize: connected(0, async (client) => client.getServerVersion().name),
    tools: connected(2, (client) => call(client, 'add', { a: 1, b: 2 })),
    toolFails: connected(2, (client) => call(client, 'fail')),
    prompts: connected(2, async (client) => (await client.getPrompt({ name: 'greet' })).messages.length),
    resources: connected(
      2,
      async (client) => (await client.readResource({ uri: 'note://1' })).contents.length,
    ),
    list: connected(2, async (client) => (await client.listTools()).tools.length),
    noResource: connected(2, (client) => client.readResource({ uri: 'note://2' })),
    sampling: connected(4, (client) => call(client, 'ask')),
    inside: connected(3, (client) => call(client, 'deep')),
    meta: connected(2, async (client) => (await call(client, 'meta')).content[0].text),
    together: connected(6, (client) =>
      Promise.all([1, 2, 3].map((a) => call(client, 'add', { a, b: 0 }))).then(({ length }) => length),
    ),
    abort: connected(2, (client) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      return call(client, 'slow', {}, { signal: stop.signal });
    }),
    timeout: connected(2, (client) => call(client, 'slow', {}, { timeout: 50 })),
    unknownTool: connected(2, (client) => call(client, 'none')),
  };
}
