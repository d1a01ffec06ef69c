import { createServer, type Server } from 'node:net';
import type { Config } from '../config/config.ts';
import { prometheus } from '../exporters/prometheus.ts';
import { API_EXTENSION } from '../extensions/api.ts';
import { healthCheck } from '../extensions/health-check.ts';
import { requireEndpoint } from '../pipeline/endpoint.ts';
import { otlpReceiver } from '../receivers/otlp.ts';
import { componentOf, tracesPipeline } from './processing.ts';

interface Place {
  readonly purpose: string;
  readonly endpoint: string | undefined;
  readonly variable: string;
}

function places(config: Config): Place[] {
  const { receivers, exporters } = tracesPipeline(config);
  const { extensions, telemetry } = config.service;
  const otlp = componentOf(receivers, config.receivers, otlpReceiver)?.options.protocols;
  const metrics = componentOf(exporters, config.exporters, prometheus);
  const api = componentOf(extensions, config.extensions, API_EXTENSION);
  const health = componentOf(extensions, config.extensions, healthCheck);
  const own = telemetry.metrics.level === 'none' ? undefined : telemetry.metrics.address;
  return [
    { purpose: 'OTLP/gRPC', endpoint: otlp?.grpc?.endpoint, variable: 'SPANMETER_OTLP_GRPC_ENDPOINT' },
    { purpose: 'OTLP/HTTP', endpoint: otlp?.http?.endpoint, variable: 'SPANMETER_OTLP_HTTP_ENDPOINT' },
    { purpose: 'API', endpoint: api?.options.endpoint, variable: 'SPANMETER_API_ENDPOINT' },
    {
      purpose: 'GenAI metrics',
      endpoint: metrics?.options.endpoint,
      variable: 'SPANMETER_PROMETHEUS_ENDPOINT',
    },
    { purpose: "the collector's own metrics", endpoint: own, variable: 'SPANMETER_TELEMETRY_ENDPOINT' },
    { purpose: 'health', endpoint: health?.options.endpoint, variable: 'SPANMETER_HEALTH_ENDPOINT' },
  ];
}

function listen(endpoint: string): Promise<Server | string> {
  const { host, port } = requireEndpoint(endpoint);
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'is taken' : `cannot be had (${error.code ?? error.message})`);
    });
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => resolve(server));
  });
}

/**
 * One sentence for every configured address that cannot be listened on, with the variable that moves it. They are
 * tried together and given free again, so that a start tells all of them at once, and two that are the same too.
 */
export async function takenEndpoints(config: Config): Promise<string[]> {
  const faults: string[] = [];
  const servers: Server[] = [];
  for (const { purpose, endpoint, variable } of places(config)) {
    if (endpoint === undefined) continue;
    const found = await listen(endpoint);
    if (typeof found === 'string') {
      faults.push(`${endpoint} (${purpose}) ${found}: ${variable} moves it to another address.`);
    } else servers.push(found);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return faults;
}
