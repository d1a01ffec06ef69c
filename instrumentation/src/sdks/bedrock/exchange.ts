import { context, createContextKey, type Attributes } from '@opentelemetry/api';
import type { AdapterHost } from '../../adapter.ts';
import { canHide, hide } from '../../hidden.ts';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import { ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT } from '../../semconv.ts';
import { isPromise } from '../../promises.ts';

/** What passed on the wire for one call, as far as the output of the SDK does not tell it. */
export interface Exchange {
  host?: string;
  port?: number;
  /** From the scope that the request is signed for, so that it is known behind any host. */
  region?: string;
  /** Bedrock's own counts of a model's body, without cached tokens. */
  inputTokens?: number;
  outputTokens?: number;
}

const EXCHANGE = createContextKey('spanmeter.bedrock');

/** `Credential=AKIA…/20261121/eu-west-1/bedrock/aws4_request` */
const SCOPE = /Credential=[^/]+\/\d{8}\/([a-z0-9-]{1,32})\//;

const watched = new WeakSet<object>();

type Host = Pick<AdapterHost, 'guard'>;

type Handle = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Runs a call of `client` and notes its exchange. The client's handler of requests is looked at on the way: what it
 * is given and gives back is not touched, and it is nobody's concern outside of such a call.
 */
export function withExchange<T>(host: Host, client: unknown, exchange: Exchange, call: () => T): T {
  host.guard(() => {
    const handler = asObject(asObject(asObject(client)?.['config'])?.['requestHandler']);
    if (handler !== undefined) watchHandler(handler, host);
  });
  return context.with(context.active().setValue(EXCHANGE, exchange), call);
}

function watchHandler(handler: Json, host: Host): void {
  if (watched.has(handler)) return;
  watched.add(handler);
  const handle = handler['handle'];
  if (typeof handle !== 'function' || !canHide(handler, 'handle')) return;
  hide(handler, 'handle', function (this: unknown, ...args: unknown[]): unknown {
    const result: unknown = Reflect.apply(handle as Handle, this, args);
    const exchange = asObject(context.active().getValue(EXCHANGE)) as Exchange | undefined;
    if (exchange === undefined) return result;
    host.guard(() => noteRequest(exchange, asObject(args[0])));
    // The SDK handles the rejection; this branch only looks.
    if (isPromise(result)) result.then((answer) => host.guard(() => noteResponse(exchange, answer)), ignore);
    return result;
  });
}

function ignore(): void {}

function noteRequest(exchange: Exchange, request: Json | undefined): void {
  const host = request?.['hostname'];
  const port = request?.['port'];
  if (typeof host === 'string') exchange.host = host;
  if (typeof port === 'number') exchange.port = port;
  const signature = asObject(request?.['headers'])?.['authorization'];
  const region = typeof signature === 'string' ? SCOPE.exec(signature)?.[1] : undefined;
  if (region !== undefined) exchange.region = region;
}

function noteResponse(exchange: Exchange, answer: unknown): void {
  const headers = asObject(asObject(asObject(answer)?.['response'])?.['headers']);
  const input = count(headers?.['x-amzn-bedrock-input-token-count']);
  const output = count(headers?.['x-amzn-bedrock-output-token-count']);
  if (input !== undefined) exchange.inputTokens = input;
  if (output !== undefined) exchange.outputTokens = output;
}

function count(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

/** Puts where the request went. */
export function putPlace(attributes: Attributes, { host, port, region }: Exchange): void {
  putString(attributes, ATTR_SERVER_ADDRESS, host);
  putNumber(attributes, ATTR_SERVER_PORT, port ?? (host === undefined ? undefined : 443));
  putString(attributes, 'aws.region', region);
}
