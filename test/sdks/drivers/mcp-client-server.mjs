import { mcpScenarios, sharedScenarios } from './mcp-scenarios.mjs';

export const packages = ['@modelcontextprotocol/client', '@modelcontextprotocol/server', 'zod'];

export function scenarios({ modules, spanmeter }) {
  const [client, server, zod] = packages.map((name) => modules[name]);
  const { z } = zod;
  const lab = mcpScenarios({
    Client: client.Client,
    McpServer: server.McpServer,
    InMemoryTransport: client.InMemoryTransport,
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    onSampling: (receiver, handler) => receiver.setRequestHandler('sampling/createMessage', handler),
    spanmeter,
  });
  const { connected, call } = lab;
  return {
    ...sharedScenarios(lab),
    abort: connected(2, (receiver) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      return call(receiver, 'slow', {}, { signal: stop.signal });
    }),
    timeout: connected(2, (receiver) => call(receiver, 'slow', {}, { timeout: 50 })),
    unknownTool: connected(2, (receiver) => call(receiver, 'none')),
  };
}
