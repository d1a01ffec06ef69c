import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SinkSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly scope: string;
  readonly kind: number;
  readonly statusCode: number;
  readonly attributes: Record<string, unknown>;
  readonly resource: Record<string, unknown>;
}

interface JsonAttribute {
  key: string;
  value: Record<string, unknown>;
}

interface JsonSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status?: { code?: number };
  attributes?: JsonAttribute[];
}

interface JsonRequest {
  resourceSpans?: {
    resource?: { attributes?: JsonAttribute[] };
    scopeSpans?: { scope?: { name?: string }; spans?: JsonSpan[] }[];
  }[];
}

/** A local OTLP/HTTP receiver that keeps JSON spans and counts protobuf requests. */
export interface OtlpSink {
  readonly url: string;
  readonly spans: SinkSpan[];
  readonly bodies: { readonly contentType: string; readonly body: Buffer }[];
  /** Status to answer with; 200 unless set. */
  status: number;
  close(): Promise<void>;
}

export async function startSink(): Promise<OtlpSink> {
  const spans: SinkSpan[] = [];
  const bodies: { contentType: string; body: Buffer }[] = [];
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const contentType = request.headers['content-type'] ?? '';
      bodies.push({ contentType, body });
      if (sink.status === 200 && contentType === 'application/json') {
        spans.push(...read(JSON.parse(body.toString()) as JsonRequest));
      }
      response.writeHead(sink.status, { 'content-type': contentType });
      response.end(contentType === 'application/json' ? '{}' : '');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const sink: OtlpSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    status: 200,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return sink;
}

function read(request: JsonRequest): SinkSpan[] {
  return (request.resourceSpans ?? []).flatMap((resource) =>
    (resource.scopeSpans ?? []).flatMap((scope) =>
      (scope.spans ?? []).map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        scope: scope.scope?.name ?? '',
        kind: span.kind,
        statusCode: span.status?.code ?? 0,
        attributes: plain(span.attributes),
        resource: plain(resource.resource?.attributes),
      })),
    ),
  );
}

function plain(attributes: JsonAttribute[] | undefined): Record<string, unknown> {
  return Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, scalar(value)]));
}

function scalar(value: Record<string, unknown>): unknown {
  if ('intValue' in value) return Number(value['intValue']);
  if ('arrayValue' in value) {
    const { values = [] } = value['arrayValue'] as { values?: Record<string, unknown>[] };
    return values.map(scalar);
  }
  return Object.values(value)[0];
}
