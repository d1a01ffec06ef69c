import { Client, compressionAlgorithms, credentials, Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { request, type IncomingHttpHeaders } from 'node:http';

export type OtlpSignal = 'traces' | 'logs' | 'metrics';

export interface OtlpPost {
  /** `/v1/traces` where absent. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Sent without a content-length. */
  readonly chunked?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request to OTLP/HTTP, protobuf unless its headers say otherwise; whatever the answer is, it is given back. */
export async function postOtlp(port: number, post: OtlpPost = {}): Promise<HttpAnswer> {
  const { path = '/v1/traces', method = 'POST', headers = {}, chunked = false } = post;
  const body = Buffer.from(post.body ?? '');
  const length = chunked ? {} : { 'content-length': body.length };
  const type = { 'content-type': 'application/x-protobuf' };
  const all = Object.fromEntries(
    Object.entries({ ...type, ...length, ...headers }).filter(([, value]) => value !== ''),
  );
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, agent: false, headers: all };
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, body: Buffer.concat(chunks) });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

export interface GrpcAnswer {
  /** gRPC status; 0 with a body is success. */
  readonly code: number;
  readonly message: string;
  readonly body: Buffer;
  /** The google.rpc.Status of the trailers. */
  readonly status: Buffer | null;
}

const SERVICES: Readonly<Record<OtlpSignal, string>> = {
  traces: 'trace.v1.TraceService',
  logs: 'logs.v1.LogsService',
  metrics: 'metrics.v1.MetricsService',
};
const same = (message: Buffer): Buffer => message;

/** One request to OTLP/gRPC. */
export async function exportGrpc(
  port: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  signal: OtlpSignal = 'traces',
  gzip = false,
): Promise<GrpcAnswer> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
    ...(gzip ? { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip } : {}),
  });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const path = `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`;
  try {
    return await new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: Buffer): void => {
        if (error === null)
          return resolve({ code: 0, message: '', body: answer ?? Buffer.alloc(0), status: null });
        const [details] = error.metadata.get('grpc-status-details-bin');
        const status = details === undefined ? null : Buffer.from(details);
        return resolve({ code: error.code, message: error.details, body: Buffer.alloc(0), status });
      };
      client.makeUnaryRequest(path, same, same, Buffer.from(body), metadata, done);
    });
  } finally {
    client.close();
  }
}
