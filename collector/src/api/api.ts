import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:http';
import type { TenantBooks } from '@spanmeter/processors';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { BudgetWatch } from '../budgets/budget-watch.ts';
import type { BudgetForecasts } from '../forecast/forecast.ts';
import type { Histogram, Logger, SelfMetrics } from '../pipeline/component.ts';
import { OPEN_IDENTITY, type Authenticator, type Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { isLocalHostHeader, isLoopback, requireEndpoint } from '../pipeline/endpoint.ts';
import { createAlone } from './alone.ts';
import { sendError } from './error-answer.ts';
import { createReader, READER_DEFAULTS, type ReaderOptions, type ReaderPool } from './reader.ts';
import {
  byPath,
  checkAccess,
  type Method,
  type Route,
  type RouteAnswer,
  type RouteContext,
} from './route.ts';
import { ROUTES } from './routes.ts';
import { createWriters } from './writer.ts';

export interface ApiDependencies {
  /** Connections that may become `spanmeter_reader` and `spanmeter_grafana`. The API never ends it. */
  readonly pool: ReaderPool;
  /** Null: no authentication, everybody may read everything, on loopback only. */
  readonly authenticator: Authenticator | null;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  /** The collector's state for `/api/v1/status`; holds no secret. */
  readonly status: () => object | Promise<object>;
  /** The books that calls are priced by now; asked for anew at each request. */
  readonly books: () => TenantBooks;
  /** Budgets as they stand; null, as without it, before they were read for the first time. */
  readonly budgets?: () => BudgetWatch | null;
  /** Forecasts of budgets; null, as without it, where there are none. */
  readonly forecasts?: () => BudgetForecasts | null;
  readonly now?: () => Date;
  readonly reader?: Partial<ReaderOptions>;
  /** Host names besides loopback's that requests may name while there is no authentication. */
  readonly allowedHosts?: readonly string[];
}

export interface Api {
  readonly app: Express;
  /** Listens on `host:port`; port 0 takes a free one. Rejects where the address can't be had or must not be. */
  listen(endpoint: string): Promise<AddressInfo>;
  /** Stops listening and waits for requests under way, until `deadline` aborts. */
  close(deadline?: AbortSignal): Promise<void>;
}

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const REQUEST_TIMEOUT_MS = 30_000;
/** A GET's headers arrive at once; who sends them slowly holds a connection that others need. */
const HEADERS_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 512;
const MAX_BODY_BYTES = 64 * 1024;

/** The API is read by programs: nothing in it may run, be framed or be cached. No CORS: no origin is let in. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Methods that the histogram names; any other is `other`, so that senders can't make labels. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
]);

function measure(durations: Histogram, request: Request, response: Response, route: string): void {
  const startedAt = performance.now();
  response.once('close', () => {
    const method = KNOWN_METHODS.has(request.method) ? request.method : 'other';
    const status = String(response.statusCode);
    durations.observe((performance.now() - startedAt) / 1000, { route, method, status });
  });
}

function send(response: Response, answer: RouteAnswer): void {
  if ('json' in answer) {
    response.json(answer.json);
    return;
  }
  response.setHeader('content-type', 'text/csv; charset=utf-8; header=present');
  response.setHeader('content-disposition', `attachment; filename="${answer.filename}"`);
  response.send(answer.csv);
}

/** Without authentication, a web page in the operator's browser could read the answers by DNS rebinding. */
function checkHost(request: Request, allowedHosts: readonly string[]): void {
  const { host } = request.headers;
  if (isLocalHostHeader(host)) return;
  if (allowedHosts.includes((host ?? '').toLowerCase().replace(/:\d+$/, ''))) return;
  throw new Refusal(
    'forbidden',
    'Without authentication only loopback host names are served (allowed_hosts).',
  );
}

/** What a path has instead of the method that was asked for. */
function methodsOf(routes: readonly Route[]): string[] {
  const methods = routes.map((route): Method => route.method ?? 'GET');
  return methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}

function paramsOf(request: Request): Record<string, string> {
  const entries = Object.entries(request.params);
  if (entries.some(([, value]) => String(value).includes('\0')))
    throw new Refusal('invalid', 'The path must be text without NUL.');
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/**
 * The JSON of a change. Its media type is asked for, since a web page can send any other kind of body to another
 * origin without asking first. Rejects with Refusal `unsupported_media_type`, `too_large` or `invalid`.
 */
async function bodyOf(request: Request): Promise<unknown> {
  if (request.is('application/json') === false) {
    throw new Refusal('unsupported_media_type', 'Send a body of content-type application/json.');
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Refusal('too_large', `The body has over ${MAX_BODY_BYTES} bytes.`);
    parts.push(part);
  }
  try {
    return bytes === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw new Refusal('invalid', 'The body is not JSON.', { cause: error });
  }
}

function namesIn(path: string): number {
  return path.split('{').length - 1;
}

function mount(app: Express, dependencies: ApiDependencies, durations: Histogram): void {
  const { authenticator, status, books } = dependencies;
  const alone = createAlone();
  const writers = createWriters(dependencies.pool);
  const reader = createReader(dependencies.pool, { ...READER_DEFAULTS, ...dependencies.reader });
  const now = dependencies.now ?? (() => new Date());

  async function identify(route: Route, request: Request): Promise<Identity> {
    if (authenticator === null) {
      checkHost(request, dependencies.allowedHosts ?? []);
      return OPEN_IDENTITY;
    }
    if (route.access === 'public') return OPEN_IDENTITY;
    return authenticator.authenticate((name) => request.get(name));
  }

  /** Who may not come in hears that first. */
  async function refuse(routes: readonly Route[], request: Request, response: Response): Promise<void> {
    for (const route of routes.slice(0, 1)) checkAccess(route.access, await identify(route, request));
    const methods = methodsOf(routes);
    response.setHeader('allow', methods.join(', '));
    throw new Refusal('method_not_allowed', `This endpoint answers ${methods.join(' and ')}.`);
  }

  async function answer(route: Route, request: Request, response: Response): Promise<void> {
    const identity = await identify(route, request);
    checkAccess(route.access, identity);
    const query: unknown = route.query.parse(request.query);
    const body: unknown = route.body === undefined ? undefined : route.body.parse(await bodyOf(request));
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const context: RouteContext = {
      identity,
      reader,
      writer: writers(identity),
      now,
      status,
      books,
      budgets: dependencies.budgets ?? (() => null),
      forecasts: dependencies.forecasts ?? (() => null),
      params: paramsOf(request),
      alone,
      signal: gone.signal,
    };
    send(response, await route.handle(query, context, body));
  }

  // A path that is written out goes before one with a {name} that it would fit.
  const paths = [...byPath(ROUTES)].toSorted(([one], [other]) => namesIn(one) - namesIn(other));
  for (const [path, routes] of paths) {
    app.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), async (request, response) => {
      measure(durations, request, response, path);
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const route = routes.find((one) => (one.method ?? 'GET') === method);
      await (route === undefined ? refuse(routes, request, response) : answer(route, request, response));
    });
  }
  app.use((request, response) => {
    measure(durations, request, response, 'unmatched');
    throw new Refusal('not_found', 'There is no such endpoint; /api/openapi.json lists them.');
  });
}

/** The query API: an express app over read-only transactions under row-level security. */
export function createApi(dependencies: ApiDependencies): Api {
  const { log, metrics, authenticator } = dependencies;
  const labels = ['route', 'method', 'status'];
  const help = 'Duration of requests to the query API.';
  const durations = metrics.histogram('spanmeter_http_request_duration_seconds', help, BUCKETS, labels);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.use((_request: Request, response: Response, next: NextFunction) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    next();
  });
  mount(app, dependencies, durations);
  // express tells an error handler by its four parameters.
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    sendError(error, request, response, log);
  });

  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // How often Node looks for connections that take too long.
      connectionsCheckingInterval: 2_000,
      keepAliveTimeout: 5_000,
    },
    app,
  );
  server.maxConnections = MAX_CONNECTIONS;
  return {
    app,
    listen: (endpoint) => listen(server, endpoint, authenticator !== null),
    close: (deadline) => close(server, deadline),
  };
}

async function listen(server: Server, endpoint: string, authenticated: boolean): Promise<AddressInfo> {
  const { host, port } = requireEndpoint(endpoint);
  if (!authenticated && !isLoopback(host)) {
    throw new Error(
      `The API would be open to everybody on ${endpoint}: configure api_key_auth, or a loopback address ` +
        '(SPANMETER_API_ENDPOINT).',
    );
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be had (${error.code ?? error.message})`;
      reject(
        new Error(`The API's address ${endpoint} ${why}: set SPANMETER_API_ENDPOINT.`, { cause: error }),
      );
    });
    server.listen({ host, port }, resolve);
  });
  return server.address() as AddressInfo;
}

async function close(server: Server, deadline: AbortSignal | undefined): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = (): void => server.closeAllConnections();
  if (deadline?.aborted === true) cut();
  deadline?.addEventListener('abort', cut, { once: true });
  await closed;
  deadline?.removeEventListener('abort', cut);
}
