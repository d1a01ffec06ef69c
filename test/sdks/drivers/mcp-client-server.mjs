import { mcpScenarios } from './mcp-scenarios.mjs';

export const packages = ['@modelcontextprotocol/client', '@modelcontextprotocol/server', 'zod'];

export function scenarios({ modules, spanmeter }) {
  const [client, server, zod] = packages.map((name) => modules[name]);
  const { z } = zod;
  return mcpScenarios({
    Client: client.Client,
    McpServer: server.McpServer,
    InMemoryTransport: client.InMemoryTransport,
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    onSampling: (receiver, handler) => receiver.setRequestHandler('sampling/createMessage', handler),
    callTool: (receiver, request, options) => receiver.callTool(request, options),
    spanmeter,
  });
}
