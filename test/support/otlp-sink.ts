import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SinkRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came over the wire. */
  readonly body: Buffer;
}

/** Answers the nth request, from 0. */
export type SinkAnswer = (response: ServerResponse, index: number, request: SinkRequest) => void;

export interface OtlpSink {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly SinkRequest[];
  stop(): Promise<void>;
}

/** Answers 200 with an empty ExportTraceServiceResponse. */
export function answerOk(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
}

/** A destination on loopback that keeps what it is sent and answers as told. */
export async function startOtlpSink(answer: SinkAnswer = answerOk, port = 0): Promise<OtlpSink> {
  const requests: SinkRequest[] = [];
  const server: Server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('error', () => {});
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming;
      const request = { method, url, headers, body: Buffer.concat(chunks) };
      answer(response, requests.push(request) - 1, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
