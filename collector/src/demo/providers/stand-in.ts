import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { behaviourOf, usageOf, type Behaviour, type StandInUsage } from './behaviour.ts';
import { ServedLedger, type ServedRequest } from './served.ts';

/** One request in the hands of a wire format. */
export interface Exchange {
  readonly request: ServedRequest;
  readonly behaviour: Behaviour;
  readonly body: Readonly<Record<string, unknown>>;
  readonly usage: StandInUsage;
  readonly response: ServerResponse;
  /** 1 for the first request of this server, then without gaps: ids follow from it. */
  readonly number: number;
}

/** A provider's wire format: what it answers, how its errors look. */
export interface WireFormat {
  /** Answers a path it knows; false for another. */
  answer(exchange: Exchange): Promise<boolean>;
  error(status: number): unknown;
}

/** A running stand-in. */
export interface StandIn {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly ledger: ServedLedger;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Starts a local server that speaks `format`. Port 0 takes a free one. */
export async function startStandIn(format: WireFormat, port = 0): Promise<StandIn> {
  const ledger = new ServedLedger();
  const server = createServer((request, response) => {
    serve(format, ledger, request, response).catch(() => response.destroy());
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

async function serve(
  format: WireFormat,
  ledger: ServedLedger,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (incoming.url ?? '/').split('?')[0] ?? '/';
  const body = await readJson(incoming);
  const behaviour = behaviourOf(incoming.headers);
  const number = ledger.total + 1;
  const request = ledger.add({
    id: `req_${number}`,
    path,
    model: typeof body['model'] === 'string' ? body['model'] : '',
    stream: body['stream'] === true,
    body,
    headers: incoming.headers,
    status: 200,
    chunks: 0,
    end: 'under_way',
    usageSent: false,
    usage: usageOf(behaviour, promptOf(body), limitOf(body)),
  });
  response.on('close', () => {
    if (request.end === 'under_way') request.end = response.writableFinished ? 'completed' : 'client_aborted';
  });
  if (behaviour.delayMs !== undefined) await sleep(behaviour.delayMs);
  if (behaviour.garbage === true) {
    sendText(response, request, 200, '{"id": "cut of');
    return;
  }
  if (failsNow(behaviour, ledger)) {
    sendError(format, response, request, behaviour);
    return;
  }
  const known = await format.answer({ request, behaviour, body, usage: request.usage, response, number });
  if (!known) sendError(format, response, request, { status: 404 });
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
  sendText(response, request, status, JSON.stringify(format.error(status)));
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

/** One server-sent event. */
export interface StreamEvent {
  readonly event?: string;
  readonly data: unknown;
  /** This event carries model output. */
  readonly content?: boolean;
  /** This event tells the final usage. */
  readonly usage?: boolean;
}

/** Sends events one by one, and misbehaves midway where the request asked for it. */
export async function sendStream(
  exchange: Exchange,
  events: Iterable<StreamEvent>,
  errorEvent: StreamEvent,
): Promise<void> {
  const { behaviour, request, response } = exchange;
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'request-id': request.id,
    'x-request-id': request.id,
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

function encode({ event, data }: StreamEvent): string {
  const payload = typeof data === 'string' ? data : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${payload}\n\n`;
}

async function readJson(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Error('request body too large');
    parts.push(part);
  }
  if (size === 0) return {};
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as Record<string, unknown>;
}

function promptOf(body: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(body['messages'] ?? body['input'] ?? '');
}

function limitOf(body: Readonly<Record<string, unknown>>): number | undefined {
  const limit = body['max_completion_tokens'] ?? body['max_tokens'];
  return typeof limit === 'number' ? limit : undefined;
}
