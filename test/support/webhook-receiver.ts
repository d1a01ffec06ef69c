import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request that a receiver got. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly atMs: number;
}

/** What a receiver does with a request: a status, or whatever else. */
export type Reaction = number | ((response: ServerResponse, socket: Socket) => void);

/** A real HTTP server that keeps what it was sent. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: Received[];
  /** Reactions to the next requests, in order; the last one stays. */
  react(...reactions: Reaction[]): void;
  close(): Promise<void>;
}

/** Answers 200 until told otherwise. */
export async function startReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = [];
  let reactions: Reaction[] = [200];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ path: request.url ?? '', headers: request.headers, body, atMs: Date.now() });
      const reaction = (reactions.length > 1 ? reactions.shift() : reactions[0]) ?? 200;
      if (typeof reaction === 'number') response.writeHead(reaction).end();
      else reaction(response, request.socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    react: (...given) => void (reactions = given),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
