import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passed {
  readonly type: string | undefined;
  readonly coding: string | undefined;
  /** What the collector answered. */
  readonly status: number;
}

/** Stands before a collector's HTTP port and notes what passes. */
export interface Front {
  readonly url: string;
  readonly passed: Passed[];
  /** So many of the collector's next answers with 200 are lost, and the sender is told 503 instead. */
  losing: number;
  onPassed: (status: number) => void;
  close(): void;
}

/** Starts a front before the collector at `port`. */
export async function startFront(port: number): Promise<Front> {
  const server = createServer((incoming, response) => {
    const { method, url: path, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer: IncomingMessage) => {
      const status = answer.statusCode ?? 0;
      front.passed.push({ type: headers['content-type'], coding: headers['content-encoding'], status });
      front.onPassed(status);
      if (front.losing > 0 && status === 200) {
        front.losing -= 1;
        answer.resume();
        response.writeHead(503, { 'retry-after': new Date(0).toUTCString() }).end();
        return;
      }
      response.writeHead(status, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const front: Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: [],
    losing: 0,
    onPassed: () => {},
    close: () => server.close().closeAllConnections(),
  };
  return front;
}
