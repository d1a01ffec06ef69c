import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { behaviourOf, usageOf, type Behaviour, type StandInUsage } from './behaviour.ts';
import { readBody, type Body } from './request-body.ts';
import { ServedLedger, type ServedRequest } from './served.ts';
import { StandingOrder } from './standing-order.ts';

/** One request in the hands of a wire format. */
export interface Exchange {
  readonly request: ServedRequest;
  readonly behaviour: Behaviour;
  /** The parsed JSON, or the text fields of a form; empty for another type. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The body's bytes, for formats that are neither. */
  readonly raw: Buffer;
  readonly usage: StandInUsage;
  readonly response: ServerResponse;
  /** 1 for the first request of this server, then without gaps: ids follow from it. */
  readonly number: number;
}

/** What a request asks for, where the wire format does not say it in `model`, `stream` and so on. */
export interface Asked {
  readonly model: string;
  readonly stream: boolean;
  /** The text whose length the counts follow from. */
  readonly prompt: string;
  readonly maxTokens: number | undefined;
}

/** A provider's wire format: what it answers, how its errors look. */
export interface WireFormat {
  /** Answers a path it knows; false for another. */
  answer(exchange: Exchange): Promise<boolean>;
  error(status: number, path: string): unknown;
  /** Whether a path is of this format; only needed where formats are composed, for the right errors. */
  knows?(path: string): boolean;
  /** Where the model, the stream flag and the prompt are; by default where OpenAI and Anthropic have them. */
  asked?(path: string, body: Readonly<Record<string, unknown>>): Partial<Asked>;
}

/** One server that speaks several formats: the first that knows the path answers. */
export function firstThatKnows(formats: readonly WireFormat[]): WireFormat {
  const of = (path: string): WireFormat | undefined =>
    formats.find((format) => format.knows?.(path) === true) ?? formats[0];
  return {
    async answer(exchange) {
      for (const format of formats) if (await format.answer(exchange)) return true;
      return false;
    },
    error: (status, path) => of(path)?.error(status, path),
    knows: (path) => formats.some((format) => format.knows?.(path) === true),
    asked: (path, body) => of(path)?.asked?.(path, body) ?? {},
  };
}

/** A running stand-in. */
export interface StandIn {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly ledger: ServedLedger;
  close(): Promise<void>;
}

/**
 * `POST` here sets what holds for all requests from then on: `{"scenario"?, "behaviour"?}`. Some SDKs cannot
 * send the header `x-stand-in`; where it is sent, it wins. `{"await": "request"}` is answered once the scenario has one.
 */
export const CONTROL_PATH = '/__stand-in';

/** Starts a local server that speaks `format`. Port 0 takes a free one. */
export async function startStandIn(format: WireFormat, port = 0): Promise<StandIn> {
  const ledger = new ServedLedger();
  const order = new StandingOrder();
  const server = createServer((request, response) => {
    serve({ format, ledger, order }, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${actual}`, ledger, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

interface Serving {
  readonly format: WireFormat;
  readonly ledger: ServedLedger;
  readonly order: StandingOrder;
}

async function serve(
  { format, ledger, order }: Serving,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (incoming.url ?? '/').split('?')[0] ?? '/';
  const body = await readBody(incoming);
  if (path === CONTROL_PATH) {
    if (body.fields['await'] === 'request') await ledger.arrival(order.scenario);
    else order.set(body.fields);
    response.writeHead(204).end();
    return;
  }
  const behaviour = behaviourOf(incoming.headers) ?? order.behaviour;
  const number = ledger.total + 1;
  const request = ledger.add(
    served({ format, path, body, behaviour, number, scenario: order.scenario }, incoming),
  );
  response.on('close', () => {
    if (request.end === 'under_way') request.end = response.writableFinished ? 'completed' : 'client_aborted';
  });
  if (behaviour.delayMs !== undefined) await sleep(behaviour.delayMs);
  // The client may have gone away meanwhile, and is told nothing.
  if (response.destroyed) return;
  if (behaviour.garbage === true) {
    sendText(response, request, 200, '{"id": "cut of');
    return;
  }
  if (failsNow(behaviour, ledger)) {
    sendError(format, response, request, behaviour);
    return;
  }
  const known = await format.answer({
    request,
    behaviour,
    body: body.fields,
    raw: body.raw,
    usage: request.usage,
    response,
    number,
  });
  if (!known) sendError(format, response, request, { status: 404 });
}

interface Received {
  readonly format: WireFormat;
  readonly path: string;
  readonly body: Body;
  readonly behaviour: Behaviour;
  readonly number: number;
  readonly scenario: string;
}

function served(received: Received, incoming: IncomingMessage): ServedRequest {
  const { format, path, behaviour, number, scenario } = received;
  const { fields } = received.body;
  const asked = format.asked?.(path, fields) ?? {};
  return {
    id: `req_${number}`,
    path,
    scenario,
    model: asked.model ?? (typeof fields['model'] === 'string' ? fields['model'] : ''),
    // A form tells it as text.
    stream: asked.stream ?? (fields['stream'] === true || fields['stream'] === 'true'),
    body: fields,
    headers: incoming.headers,
    status: 200,
    chunks: 0,
    end: 'under_way',
    usageSent: false,
    usage: usageOf(behaviour, asked.prompt ?? promptOf(fields), asked.maxTokens ?? limitOf(fields)),
  };
}

function failsNow(behaviour: Behaviour, ledger: ServedLedger): boolean {
  if (behaviour.status === undefined) return false;
  return behaviour.times === undefined || ledger.shouldFail(behaviour.key ?? '', behaviour.times);
}

function sendError(
  format: WireFormat,
  response: ServerResponse,
  request: ServedRequest,
  behaviour: Behaviour,
): void {
  const status = behaviour.status ?? 500;
  request.end = 'error';
  if (behaviour.retryAfterMs !== undefined) {
    response.setHeader('retry-after', String(Math.ceil(behaviour.retryAfterMs / 1000)));
    response.setHeader('retry-after-ms', String(behaviour.retryAfterMs));
  }
  sendText(response, request, status, JSON.stringify(format.error(status, request.path)));
}

function sendText(response: ServerResponse, request: ServedRequest, status: number, text: string): void {
  request.status = status;
  response.writeHead(status, {
    'content-type': 'application/json',
    'request-id': request.id,
    'x-request-id': request.id,
  });
  response.end(text);
}

/** Sends the whole answer at once. */
export function sendJson(exchange: Exchange, body: unknown): void {
  exchange.request.usageSent = true;
  sendText(exchange.response, exchange.request, 200, JSON.stringify(body));
}

/** One event of a stream: server-sent, a line of JSON, or what else a format makes of it. */
export interface StreamEvent {
  readonly event?: string;
  readonly data: unknown;
  /** This event carries model output. */
  readonly content?: boolean;
  /** This event tells the final usage. */
  readonly usage?: boolean;
}

/** Sends server-sent events one by one, and misbehaves midway where the request asked for it. */
export function sendStream(
  exchange: Exchange,
  events: Iterable<StreamEvent>,
  errorEvent: StreamEvent,
): Promise<void> {
  return sendChunks(exchange, events, {
    contentType: 'text/event-stream; charset=utf-8',
    encode: encodeServerSent,
    errorEvent,
  });
}

/** How a stream that is not server-sent events looks on the wire. */
export interface ChunkEncoding {
  readonly contentType: string;
  readonly encode: (event: StreamEvent) => string | Uint8Array;
  /** Sent last by a stream that fails midway. */
  readonly errorEvent: StreamEvent;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends events one by one in any encoding, and misbehaves midway where the request asked for it. */
export async function sendChunks(
  exchange: Exchange,
  events: Iterable<StreamEvent>,
  { contentType, encode, errorEvent, headers }: ChunkEncoding,
): Promise<void> {
  const { behaviour, request, response } = exchange;
  response.writeHead(200, {
    'content-type': contentType,
    'request-id': request.id,
    'x-request-id': request.id,
    ...headers,
  });
  response.socket?.setNoDelay(true);
  for (const event of events) {
    if (response.destroyed) return;
    if (event.content === true) {
      if (behaviour.chunkDelayMs !== undefined) await sleep(behaviour.chunkDelayMs);
      if (request.chunks === behaviour.stallAfter) return;
      if (request.chunks === behaviour.closeAfter) {
        request.end = 'closed_by_us';
        response.destroy();
        return;
      }
      if (request.chunks === behaviour.errorAfter) {
        request.end = 'error';
        response.end(encode(errorEvent));
        return;
      }
      request.chunks += 1;
    }
    if (event.usage === true) request.usageSent = true;
    response.write(encode(event));
  }
  response.end();
}

function encodeServerSent({ event, data }: StreamEvent): string {
  const payload = typeof data === 'string' ? data : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${payload}\n\n`;
}

function promptOf(body: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(body['messages'] ?? body['input'] ?? '');
}

function limitOf(body: Readonly<Record<string, unknown>>): number | undefined {
  const limit = body['max_completion_tokens'] ?? body['max_tokens'];
  return typeof limit === 'number' ? limit : undefined;
}
