import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Component, Logger } from '../pipeline/component.ts';
import { formatEndpoint, requireEndpoint } from '../pipeline/endpoint.ts';
import type { Endpoint } from '../pipeline/endpoint.ts';

const MAX_CONNECTIONS = 128;
/** Who sends headers slowly holds a connection that a scrape needs. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

export interface HttpServerOptions {
  readonly endpoint: string;
  /** What listens here, for messages: `health`. */
  readonly purpose: string;
  /** The environment variable that moves it. */
  readonly variable: string;
  readonly log: Logger;
  /** Answers GET and HEAD; a rejection becomes a 500 or, once the answer has begun, a broken connection. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** A small server with a life. */
export interface HttpServer extends Component {
  /** Where it listens; known once started. */
  readonly address: Endpoint;
}

/** Ends a request with a line of text, and without a body for HEAD. */
export function answerText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${text}\n`);
}

function listenFailure(
  error: NodeJS.ErrnoException,
  { endpoint, purpose, variable }: HttpServerOptions,
): Error {
  const why =
    error.code === 'EADDRINUSE'
      ? 'is already taken by another program'
      : `cannot be listened on (${error.code ?? error.message})`;
  return new Error(`${endpoint} (${purpose}) ${why}; ${variable} moves it`, { cause: error });
}

class PlainServer implements HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  #address: Endpoint;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#address = requireEndpoint(options.endpoint);
    this.#server = createServer(
      { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 2_000 },
      (request, response) => this.#serve(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.requestTimeout = REQUEST_TIMEOUT_MS;
  }

  get address(): Endpoint {
    return this.#address;
  }

  async start(): Promise<void> {
    const { host, port } = this.#address;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(listenFailure(error, this.#options));
      this.#server.once('error', failed);
      this.#server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
        this.#server.off('error', failed);
        resolve();
      });
    });
    this.#server.on('error', (error) =>
      this.#options.log.error({ error }, `the ${this.#options.purpose} server failed`),
    );
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object') this.#address = { host, port: bound.port };
    const where = `http://${formatEndpoint(this.#address)}`;
    this.#options.log.info({ address: where }, `${this.#options.purpose}: listening`);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const giveUp = (): void => this.#server.closeAllConnections();
    if (deadline.aborted) giveUp();
    deadline.addEventListener('abort', giveUp, { once: true });
    await closed;
    deadline.removeEventListener('abort', giveUp);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answerText(response, 405, 'only GET and HEAD are answered here', {
        allow: 'GET, HEAD',
        connection: 'close',
      });
      return;
    }
    this.#options.handle(request, response).catch((error: unknown) => {
      if (response.destroyed) return;
      this.#options.log.error({ error }, `a request to ${this.#options.purpose} could not be answered`);
      if (response.headersSent) response.destroy();
      else answerText(response, 500, 'the answer could not be made; the log says why');
    });
  }
}

/** Makes a server that answers GET and HEAD. Throws where the endpoint cannot be read; `start` rejects where it is taken. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  return new PlainServer(options);
}
