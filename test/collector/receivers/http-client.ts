import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { Harness } from './harness.ts';
import { readStatus } from './wire.ts';

export const PROTOBUF = 'application/x-protobuf';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Sent {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  agent?: http.Agent;
}

/** Sends one request, as protobuf unless told otherwise, and reads its answer. */
export async function send(
  { url }: Harness,
  { path = '/v1/traces', method = 'POST', headers = {}, body = '', agent }: Sent,
): Promise<Reply> {
  const request = http.request(`${url}${path}`, {
    method,
    headers: { 'content-type': PROTOBUF, ...headers },
    ...(agent === undefined ? {} : { agent }),
  });
  request.on('error', () => {});
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

/** The reply is an error in protobuf with this HTTP and gRPC code. */
export function assertRefused(reply: Reply, status: number, code: number, message: RegExp): void {
  assert.equal(reply.status, status);
  assert.equal(reply.headers['content-type'], PROTOBUF);
  const read = readStatus(reply.body);
  assert.equal(read.code, code);
  assert.match(read.message, message);
}
