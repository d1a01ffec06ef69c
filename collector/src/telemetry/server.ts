import { pipeline } from 'node:stream/promises';
import { createGzip, constants } from 'node:zlib';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../pipeline/component.ts';
import { isLocalHostHeader } from '../pipeline/endpoint.ts';
import { BearerCheck } from './bearer.ts';
import type { BearerSource } from './bearer.ts';
import { CONTENT_TYPES } from './exposition.ts';
import type { ExpositionFormat } from './exposition.ts';
import { answerText, createHttpServer } from './http-server.ts';
import type { HttpServer } from './http-server.ts';

export interface MetricsServerOptions {
  readonly endpoint: string;
  /** What listens here, for messages: `prometheus`. */
  readonly purpose: string;
  /** The environment variable that moves it, named where its port is taken. */
  readonly variable: string;
  readonly log: Logger;
  /** Without it everybody who reaches the port may read. */
  readonly bearer?: BearerSource;
  /** Whether requests must name this machine or an address: tenants' figures that no token protects. */
  readonly localHostsOnly?: boolean;
  /** Whether OpenMetrics is offered; without it every scrape gets the text format. */
  readonly openMetrics?: boolean;
  /** The metrics in pieces; a piece is written before the next is asked for. */
  scrape(format: ExpositionFormat): AsyncIterable<string>;
}

/** Whether `accept-encoding` takes gzip: named, or by `*`, and not with `q=0`. */
function takesGzip(header: string | undefined): boolean {
  return (header ?? '').split(',').some((part) => {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    return (name === 'gzip' || name === '*') && !parameters.some((one) => /^q=0(\.0*)?$/.test(one));
  });
}

async function answer(
  options: MetricsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const wantsOpenMetrics = /application\/openmetrics-text/i.test(request.headers.accept ?? '');
  const format: ExpositionFormat = options.openMetrics === true && wantsOpenMetrics ? 'openmetrics' : 'text';
  const headers: Record<string, string> = {
    'content-type': CONTENT_TYPES[format],
    vary: 'accept, accept-encoding',
  };
  const zipped = takesGzip(request.headers['accept-encoding']);
  if (zipped) headers['content-encoding'] = 'gzip';
  const pieces = options.scrape(format)[Symbol.asyncIterator]();
  // The first piece comes before the status, so that a scrape that fails at once is a 500.
  const first = request.method === 'HEAD' ? { done: true as const } : await pieces.next();
  response.writeHead(200, headers);
  if (first.done === true) {
    response.end();
    return;
  }
  const rest = async function* (): AsyncGenerator<string> {
    yield first.value;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
  };
  if (zipped) await pipeline(rest, createGzip({ level: constants.Z_BEST_SPEED }), response);
  else await pipeline(rest, response);
}

/** A server for `/metrics`, with gzip where asked and a bearer token where configured. */
export function createMetricsServer(options: MetricsServerOptions): HttpServer {
  const check = options.bearer === undefined ? null : new BearerCheck(options.bearer);
  const { endpoint, purpose, variable, log } = options;
  const server = createHttpServer({
    endpoint,
    purpose,
    variable,
    log,
    async handle(request, response) {
      const path = (request.url ?? '').split('?', 1)[0];
      if (path !== '/metrics') return answerText(response, 404, 'metrics are at /metrics');
      if (check !== null && !(await check.allows(request.headers.authorization))) {
        return answerText(response, 401, 'a bearer token is needed', { 'www-authenticate': 'Bearer' });
      }
      if (options.localHostsOnly === true && !isLocalHostHeader(request.headers.host)) {
        const ways = 'configure auth, or write insecure: true';
        return answerText(
          response,
          403,
          `without a bearer token only loopback host names are served: ${ways}`,
        );
      }
      return answer(options, request, response);
    },
  });
  return {
    get address() {
      return server.address;
    },
    async start() {
      await check?.load();
      await server.start();
    },
    stop: (deadline) => server.stop(deadline),
  };
}
