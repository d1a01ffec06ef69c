import type { AdapterHost, ModuleHook, SdkAdapter } from '../adapter.ts';
import { asObject, holderOf, prototypeAt } from '../json.ts';
import { observeHandlers } from './mcp/incoming-requests.ts';
import { observeRequests } from './mcp/outgoing-requests.ts';

/** Entry points of version 1 that have a client, a server, or what both are made of. */
const ENTRY_POINTS: Readonly<Record<string, string>> = {
  'client/index.js': 'Client',
  client: 'Client',
  'server/index.js': 'Server',
  server: 'Server',
  'shared/protocol.js': 'Protocol',
};

/** Clients and servers inherit from one class, in every version; version 2 has a way in that all requests take. */
function observe(endpoint: object | undefined, host: AdapterHost): void {
  const handlers = holderOf(endpoint, '_onrequest');
  if (endpoint === undefined || handlers === undefined) return;
  const modern = '_requestWithSchemaViaCodec';
  const requests = holderOf(endpoint, modern);
  if (requests !== undefined) observeRequests(requests, modern, 1, host);
  else observeRequests(handlers, 'request', 0, host);
  observeHandlers(handlers, host);
}

function entryPoint(path: string, name: string): ModuleHook {
  return {
    module: `@modelcontextprotocol/sdk/${path}`,
    requireFiles: [`dist/cjs/${path}`],
    versions: ['>=1.0.0 <2'],
    patch: (moduleExports, host) => {
      observe(prototypeAt(moduleExports, [name]), host);
      return moduleExports;
    },
  };
}

/** `McpServer` has its server inside, whose class this entry point does not tell: one is made to look at. */
const MCP_SERVER: ModuleHook = {
  module: '@modelcontextprotocol/sdk/server/mcp.js',
  requireFiles: ['dist/cjs/server/mcp.js'],
  versions: ['>=1.0.0 <2'],
  patch: (moduleExports, host) => {
    const made = asObject(tryServer(asObject(moduleExports)?.['McpServer']));
    observe(asObject(made?.['server']), host);
    return moduleExports;
  },
};

/** Its constructor opens nothing and starts nothing (`@modelcontextprotocol/sdk@1.32 server/mcp`). */
function tryServer(constructor: unknown): unknown {
  if (typeof constructor !== 'function') return undefined;
  try {
    return Reflect.construct(constructor, [{ name: 'none', version: '0' }]);
  } catch {
    return undefined;
  }
}

/** From a client or a server, or its class, where a bundler hides the module. */
function protocolOf(client: unknown): unknown {
  const given = typeof client === 'function' ? asObject(client.prototype) : asObject(client);
  const inner = asObject(given?.['server']) ?? given;
  const owner = holderOf(inner, '_onrequest');
  return owner === undefined || !('setRequestHandler' in owner)
    ? undefined
    : { Protocol: { prototype: owner } };
}

function patchProtocol(moduleExports: unknown, host: AdapterHost): unknown {
  observe(prototypeAt(moduleExports, ['Protocol']), host);
  return moduleExports;
}

function successor(name: string): ModuleHook {
  return {
    module: `@modelcontextprotocol/${name}`,
    versions: ['>=2.0.0 <3'],
    patch: patchProtocol,
  };
}

/**
 * The Model Context Protocol's SDK, version 1, and its successors for clients and servers: a span for each request,
 * on either side. Nobody pays for these.
 */
export const mcp: SdkAdapter = {
  module: '@modelcontextprotocol/sdk',
  versions: ['>=1.0.0 <2'],
  methods: [],
  patch: patchProtocol,
  exportsOf: protocolOf,
  hooks: [
    ...Object.entries(ENTRY_POINTS).map(([path, name]) => entryPoint(path, name)),
    MCP_SERVER,
    successor('client'),
    successor('server'),
  ],
  rivals: ['@traceloop/instrumentation-mcp', '@arizeai/openinference-instrumentation-mcp'],
};
