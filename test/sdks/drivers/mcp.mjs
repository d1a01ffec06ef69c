import { mcpScenarios, sharedScenarios } from './mcp-scenarios.mjs';

export const packages = [
  '@modelcontextprotocol/sdk/client/index.js',
  '@modelcontextprotocol/sdk/server/mcp.js',
  '@modelcontextprotocol/sdk/inMemory.js',
  '@modelcontextprotocol/sdk/types.js',
  'zod',
];

export function scenarios({ modules, spanmeter }) {
  const [client, server, memory, types, zod] = packages.map((name) => modules[name]);
  const { z } = zod;
  const lab = mcpScenarios({
    Client: client.Client,
    McpServer: server.McpServer,
    InMemoryTransport: memory.InMemoryTransport,
    inputSchema: { a: z.number(), b: z.number() },
    onSampling: (receiver, handler) => receiver.setRequestHandler(types.CreateMessageRequestSchema, handler),
    spanmeter,
  });
  const { connected, call } = lab;
  return {
    ...sharedScenarios(lab),
    abort: connected(2, (receiver) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      return call(receiver, 'slow', {}, undefined, { signal: stop.signal });
    }),
    timeout: connected(2, (receiver) => call(receiver, 'slow', {}, undefined, { timeout: 50 })),
    unknownTool: connected(2, (receiver) => call(receiver, 'none')),
  };
}
