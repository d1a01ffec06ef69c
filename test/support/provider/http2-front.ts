import { request, type IncomingHttpHeaders } from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { StandIn } from '@spanmeter/collector/dist/demo/providers/stand-in.js';

/** What a client that knows it to be HTTP/2 begins with (RFC 9113, section 3.4). */
const PREFACE = 'PRI ';

/** A server before `standIn` that takes both HTTP versions on one port; closing it closes both. */
export async function withHttp2(standIn: StandIn): Promise<StandIn> {
  const target = new URL(standIn.url);
  const http2 = createHttp2Server((incoming, outgoing) => forward(target, incoming, outgoing));
  const http2Port = await listen(http2);
  const sockets = new Set<Socket>();
  const front = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const isHttp2 = first.toString('latin1', 0, PREFACE.length) === PREFACE;
      pipeTo(isHttp2 ? http2Port : Number(target.port), socket);
    });
  });
  const port = await listen(front);
  return {
    url: `http://127.0.0.1:${port}`,
    ledger: standIn.ledger,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([front, http2].map((server) => new Promise((resolve) => server.close(resolve))));
      await standIn.close();
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function pipeTo(port: number, socket: Socket): void {
  const upstream = connect(port, '127.0.0.1');
  socket.pipe(upstream).pipe(socket);
  socket.on('close', () => upstream.destroy());
  upstream.on('close', () => socket.destroy()).on('error', () => socket.destroy());
}

/** Headers that HTTP/1.1 has and HTTP/2 has not. */
const OF_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding'];

function plain(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith(':') && !OF_CONNECTION.includes(name),
  );
  return Object.fromEntries(kept);
}

function forward(target: URL, incoming: Http2ServerRequest, outgoing: Http2ServerResponse): void {
  const { method, url: path } = incoming;
  const upstream = request({
    host: target.hostname,
    port: target.port,
    method,
    path,
    headers: plain(incoming.headers),
  });
  upstream.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 500, plain(answer.headers));
    answer.on('data', (bytes: Buffer) => outgoing.write(bytes));
    answer.on('end', () => outgoing.end());
    answer.on('error', () => outgoing.stream.destroy());
  });
  upstream.on('error', () => outgoing.stream.destroy());
  incoming.pipe(upstream);
  outgoing.stream.on('close', () => upstream.destroy());
}
