import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { encodeExportResponse, encodeStatus } from '../otlp/response.ts';
import type { Encoding, Signal } from '../otlp/response.ts';
import type { Component, Logger } from '../pipeline/component.ts';
import { isLocalHostHeader, parseEndpoint } from '../pipeline/endpoint.ts';
import type { HeaderLookup } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import type { ByteBudget } from './byte-budget.ts';
import { allowsOrigin, answerCors } from './cors.ts';
import type { ExportService } from './export-service.ts';
import { sendAnswer, sendRefusal } from './http-answer.ts';
import { Disconnected, readBody, tooLarge } from './http-body.ts';
import type { BodyCoding } from './http-body.ts';
import { listenFailure } from './listen-failure.ts';
import type { OtlpHttpOptions } from './otlp-options.ts';

export interface OtlpHttpParts {
  readonly log: Logger;
  readonly budget: ByteBudget;
  readonly service: ExportService;
}

/** Node looks for requests that are late at this interval. */
const MAX_TIMEOUT_CHECK_MS = 5000;
const UNAVAILABLE_GRPC = 14;

function encodingOf(contentType: string | undefined): Encoding | null {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : null;
}

function codingOf(contentEncoding: string | undefined): BodyCoding {
  const coding = (contentEncoding ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return 'identity';
  if (coding === 'gzip' || coding === 'x-gzip') return 'gzip';
  throw new Refusal(
    'unsupported_media_type',
    `content encoding "${coding.slice(0, 40)}" is not supported: send gzip or identity`,
  );
}

function headersOf(request: IncomingMessage): HeaderLookup {
  return (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
}

/** OTLP 1.11 over HTTP/1.1. Every answer but a preflight's is in the request's encoding. */
export class OtlpHttpServer implements Component {
  readonly #options: OtlpHttpOptions;
  readonly #parts: OtlpHttpParts;
  readonly #server: Server;
  readonly #signals: ReadonlyMap<string, Signal>;
  #stopping = false;

  constructor(options: OtlpHttpOptions, parts: OtlpHttpParts) {
    this.#options = options;
    this.#parts = parts;
    this.#signals = new Map([
      [options.traces_url_path, 'traces'],
      [options.logs_url_path, 'logs'],
      [options.metrics_url_path, 'metrics'],
    ]);
    this.#server = createServer({
      headersTimeout: options.read_header_timeout,
      requestTimeout: options.read_timeout,
      keepAliveTimeout: options.idle_timeout,
      connectionsCheckingInterval: Math.min(
        MAX_TIMEOUT_CHECK_MS,
        Math.max(50, Math.ceil(options.read_timeout / 4)),
      ),
    });
    this.#server.maxConnections = options.max_connections;
    this.#server.on('request', (request, response) => void this.#serve(request, response, false));
    this.#server.on('checkContinue', (request, response) => void this.#serve(request, response, true));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.#answerBroken(error, socket),
    );
  }

  /** The port it listens on, or null before the start. */
  get port(): number | null {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : null;
  }

  async start(): Promise<void> {
    const { endpoint } = this.#options;
    const { host, port } = parseEndpoint(endpoint) ?? { host: '', port: 0 };
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void =>
        reject(listenFailure('OTLP/HTTP', endpoint, 'SPANMETER_OTLP_HTTP_ENDPOINT', error));
      this.#server.once('error', failed);
      this.#server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
        this.#server.off('error', failed);
        resolve();
      });
    });
    this.#server.on('error', (error) => this.#parts.log.error({ err: error }, 'the OTLP/HTTP server failed'));
    this.#parts.log.info({ endpoint, port: this.port }, 'OTLP/HTTP is listening');
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping = true;
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const giveUp = (): void => this.#server.closeAllConnections();
    if (deadline.aborted) giveUp();
    deadline.addEventListener('abort', giveUp, { once: true });
    await closed;
    deadline.removeEventListener('abort', giveUp);
  }

  async #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    // A sender that vanishes while it is answered is none of our faults.
    response.on('error', () => {});
    request.on('error', () => {});
    if (answerCors(this.#options.cors, request, response)) return;
    const encoding = encodingOf(request.headers['content-type']);
    const headers: Record<string, string> = {};
    const exchange = { request, response, encoding, headers, bodyWithheld: expectsContinue };
    try {
      await this.#take(exchange);
    } catch (error) {
      if (error instanceof Disconnected) {
        this.#parts.log.debug({}, error.message);
        return;
      }
      const refusal = this.#parts.service.refusalFor(error);
      if (!(error instanceof Refusal)) this.#parts.log.error({ err: error }, 'an OTLP/HTTP request failed');
      if (response.headersSent || response.destroyed) return;
      const { bodyWithheld } = exchange;
      sendRefusal(request, response, {
        refusal,
        encoding: encoding ?? 'json',
        headers,
        close: this.#stopping,
        bodyWithheld,
      });
    }
  }

  async #take(exchange: Exchange): Promise<void> {
    const { request, response, encoding, headers } = exchange;
    const signal = this.#route(request, headers);
    this.#mustNotBeRebound(request);
    const lookup = headersOf(request);
    const identity = await this.#parts.service.admit(lookup);
    if (encoding === null) {
      headers['accept'] = 'application/x-protobuf, application/json';
      throw new Refusal('unsupported_media_type', 'send application/x-protobuf or application/json');
    }
    headers['accept-encoding'] = 'gzip, identity';
    const coding = codingOf(request.headers['content-encoding']);
    delete headers['accept-encoding'];
    const maxBytes = this.#options.max_request_body_size;
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const reservation = this.#parts.budget.open();
    try {
      if (exchange.bodyWithheld) response.writeContinue();
      exchange.bodyWithheld = false;
      const body = await readBody(request, coding, maxBytes, reservation);
      const { rejected, message } = await this.#parts.service.export(
        signal,
        body,
        encoding,
        identity,
        lookup,
      );
      sendAnswer(
        response,
        encoding,
        encodeExportResponse(encoding, signal, rejected, message),
        this.#stopping,
      );
    } finally {
      reservation.release();
    }
  }

  /** Where no key is asked for, a page that made its own name point here (DNS rebinding) could send as anybody. */
  #mustNotBeRebound(request: IncomingMessage): void {
    const { host, origin } = request.headers;
    if (!this.#parts.service.open || origin === undefined || isLocalHostHeader(host)) return;
    if (allowsOrigin(this.#options.cors, origin)) return;
    throw new Refusal(
      'forbidden',
      'without api_key_auth, web pages of other origins may send only where cors::allowed_origins names them',
    );
  }

  #route(request: IncomingMessage, headers: Record<string, string>): Signal {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const signal = this.#signals.get(path);
    if (signal === undefined) {
      throw new Refusal(
        'not_found',
        `no such path; OTLP is taken at ${[...this.#signals.keys()].join(', ')}`,
      );
    }
    if (request.method !== 'POST') {
      headers['allow'] = 'POST';
      throw new Refusal('method_not_allowed', 'OTLP requests are POST');
    }
    return signal;
  }

  /** Answers what never became a request. One that came too slowly may be sent again, so it gets 503. */
  #answerBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    const tooLong = error.code === 'HPE_HEADER_OVERFLOW';
    const refusal = late
      ? new Refusal('unavailable', 'the request did not arrive in time', { retryAfterMs: 1000 })
      : new Refusal('invalid', tooLong ? 'the headers are too long' : 'this is not an HTTP request');
    this.#parts.service.refusalFor(refusal);
    const body = encodeStatus(
      'json',
      late ? UNAVAILABLE_GRPC : refusal.grpcStatus,
      refusal.message,
      refusal.retryAfterMs,
    );
    const bad = tooLong ? '431 Request Header Fields Too Large' : '400 Bad Request';
    const status = late ? '503 Service Unavailable\r\nRetry-After: 1' : bad;
    const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    socket.end(Buffer.concat([Buffer.from(head), body]));
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly encoding: Encoding | null;
  /** Headers of the answer where it is a refusal. */
  readonly headers: Record<string, string>;
  bodyWithheld: boolean;
}
