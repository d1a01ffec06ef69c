import { mcpScenarios } from './mcp-scenarios.mjs';

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
  return mcpScenarios({
    Client: client.Client,
    McpServer: server.McpServer,
    InMemoryTransport: memory.InMemoryTransport,
    inputSchema: { a: z.number(), b: z.number() },
    onSampling: (receiver, handler) => receiver.setRequestHandler(types.CreateMessageRequestSchema, handler),
    callTool: (receiver, request, options) => receiver.callTool(request, undefined, options),
    spanmeter,
  });
}
