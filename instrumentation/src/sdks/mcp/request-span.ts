import { SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import { asObject, classNameOf, putNumber, putString, type Json } from '../../json.ts';
import { ATTR_ERROR_TYPE, ATTR_OPERATION, ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT } from '../../semconv.ts';

/** One request of the protocol, as either side sees it. */
export interface McpRequest {
  readonly method: string;
  readonly params: Json | undefined;
  readonly id: unknown;
  readonly sessionId: unknown;
  /** The transport, for where it leads. */
  readonly transport: Json | undefined;
}

/** Name and attributes of a request's span (semantic-conventions-genai `mcp.md`). */
export function describeRequest({ method, params, id, sessionId, transport }: McpRequest): {
  name: string;
  attributes: Attributes;
} {
  const attributes: Attributes = { 'mcp.method.name': method };
  if (typeof id === 'number' || typeof id === 'string') attributes['jsonrpc.request.id'] = String(id);
  putString(attributes, 'mcp.session.id', sessionId);
  putTransport(attributes, transport);
  const target = targetOf(method, params);
  if (method === 'tools/call') {
    attributes[ATTR_OPERATION] = 'execute_tool';
    putString(attributes, 'gen_ai.tool.name', target);
  } else if (method === 'prompts/get') putString(attributes, 'gen_ai.prompt.name', target);
  else putString(attributes, 'mcp.resource.uri', params?.['uri']);
  return { name: target === undefined ? method : `${method} ${target}`, attributes };
}

/** Tools and prompts have few names; resources may have any number, and stay out of the span's. */
function targetOf(method: string, params: Json | undefined): string | undefined {
  const name = method === 'tools/call' || method === 'prompts/get' ? params?.['name'] : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function putTransport(attributes: Attributes, transport: Json | undefined): void {
  const kind = classNameOf(transport);
  if (kind.startsWith('Stdio')) attributes['network.transport'] = 'pipe';
  else if (/HTTP|SSE/i.test(kind)) {
    attributes['network.transport'] = 'tcp';
    attributes['network.protocol.name'] = 'http';
  }
  const url = transport?.['_url'];
  if (!(url instanceof URL)) return;
  putString(attributes, ATTR_SERVER_ADDRESS, url.hostname.replace(/^\[(.*)\]$/, '$1'));
  putNumber(attributes, ATTR_SERVER_PORT, Number(url.port) || (url.protocol === 'http:' ? 80 : 443));
}

/** Ends the span of a request that was answered; a tool tells of its failure in the answer. */
export function endAnswered(span: Span, request: McpRequest, result: unknown): void {
  const answer = asObject(result);
  if (request.method === 'initialize') {
    const attributes: Attributes = {};
    putString(attributes, 'mcp.protocol.version', answer?.['protocolVersion']);
    span.setAttributes(attributes);
  }
  if (answer?.['isError'] === true) markFailed(span, 'tool_error');
  span.end();
}

/** Ends the span of a request that failed, with the protocol's code for it; one that was called off has not failed. */
export function endFailed(span: Span, error: unknown, calledOff: boolean): void {
  if (!calledOff) {
    const code = asObject(error)?.['code'];
    const known = typeof code === 'number' || typeof code === 'string';
    if (known) span.setAttribute('rpc.response.status_code', String(code));
    markFailed(span, known ? String(code) : error instanceof Error ? error.constructor.name : '_OTHER');
  }
  span.end();
}

function markFailed(span: Span, type: string): void {
  span.setAttribute(ATTR_ERROR_TYPE, type).setStatus({ code: SpanStatusCode.ERROR });
}

/** Whether an abort signal that the app gave has called the request off. */
export function isCalledOff(signal: unknown): boolean {
  return signal instanceof AbortSignal && signal.aborted;
}
