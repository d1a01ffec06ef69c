import { z } from 'zod';
import type { Component, ComponentType, Host } from '../pipeline/component.ts';
import type { Endpoint } from '../pipeline/endpoint.ts';
import { endpointOption } from '../pipeline/option-types.ts';
import { answerText, createHttpServer } from '../telemetry/http-server.ts';
import { VERSION } from '../telemetry/version.ts';

/** Options of `health_check` in the configuration. */
export interface HealthCheckOptions {
  readonly endpoint: string;
  readonly path: string;
}

/** How a part of the collector is. */
export interface PartState {
  /** A word: `ok`, `starting`, `unavailable`, `full`, `lagging`, `stopping`. */
  readonly state: string;
  /** What is wrong, for people; no secrets and no tenant data. */
  readonly message?: string;
}

/** How far an exporter is behind the journal. */
export interface ExporterState extends PartState {
  readonly id: string;
  readonly pendingSpans: number;
  readonly lagSeconds: number;
}

/** The states that health reports. Only `journal.state` decides between 200 and 503: `ok` is 200. */
export interface HealthState {
  readonly journal: PartState;
  readonly postgres: PartState;
  readonly exporters: readonly ExporterState[];
}

export interface HealthServerOptions {
  readonly endpoint: string;
  readonly path?: string;
  readonly log: Host['log'];
  /** Asked at each request; must not wait for anything. A throw is answered with 503. */
  state(): HealthState;
}

/** The health server, with the address it listens on. */
export interface HealthServer extends Component {
  readonly address: Endpoint;
}

function withoutUndefined({ state, message }: PartState): PartState {
  return message === undefined ? { state } : { state, message };
}

function report(state: HealthState): Record<string, unknown> {
  return {
    status: state.journal.state === 'ok' ? 'ok' : 'unavailable',
    version: VERSION,
    uptime_seconds: Math.floor(process.uptime()),
    journal: withoutUndefined(state.journal),
    postgres: withoutUndefined(state.postgres),
    exporters: state.exporters.map(({ id, pendingSpans, lagSeconds, ...part }) => ({
      id,
      ...withoutUndefined(part),
      pending_spans: pendingSpans,
      lag_seconds: lagSeconds,
    })),
  };
}

/**
 * Answers the configured path with 200 while requests can be journalled and 503 otherwise, states in a JSON
 * body, and `/live` with 200 always. `start` rejects where the port is taken and names its variable.
 */
export function createHealthServer(settings: HealthServerOptions): HealthServer {
  const { endpoint, log, path = '/' } = settings;
  return createHttpServer({
    endpoint,
    log,
    purpose: 'health',
    variable: 'SPANMETER_HEALTH_ENDPOINT',
    async handle(request, response) {
      const asked = (request.url ?? '').split('?', 1)[0];
      if (asked === '/live') return answerText(response, 200, 'alive');
      if (asked !== path) return answerText(response, 404, `health is at ${path} and /live`);
      let body: Record<string, unknown>;
      try {
        body = report(settings.state());
      } catch (error) {
        log.error({ error }, 'the health state could not be read');
        body = { status: 'unavailable', version: VERSION };
      }
      const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
      return answerText(response, body['status'] === 'ok' ? 200 : 503, JSON.stringify(body), headers);
    },
  });
}

/** The `health_check` extension. */
export const healthCheck: ComponentType<HealthCheckOptions> = {
  kind: 'extension',
  type: 'health_check',
  summary: 'Answers whether requests can be taken, with the state of journal, database and exporters.',
  options: z.strictObject({
    endpoint: endpointOption.default('127.0.0.1:13133').describe('Where health is answered, as host:port.'),
    path: z
      .string()
      .startsWith('/')
      .default('/')
      .describe('Path that answers 200 while requests can be journalled, and 503 otherwise.'),
  }),
};
