import { isIP } from 'node:net';

/** Where a server listens. */
export interface Endpoint {
  /** Without brackets; empty stands for every interface. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** Reads `host:port` as the Collector writes it (`127.0.0.1:4317`, `[::1]:4317`, `:4317`); null if it is not that. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  if (port > 65_535) return null;
  if (match[1] !== undefined && isIP(match[1]) !== 6) return null;
  return { host: match[1] ?? match[2] ?? '', port };
}

/** Reads `host:port`; throws an Error that names the text where it is not that. */
export function requireEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== null) return endpoint;
  throw new Error(`"${text}" is not an address to listen on: write host:port, such as 127.0.0.1:4318`);
}

/** Writes an endpoint back; IPv6 addresses get their brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  const host = isIP(endpoint.host) === 6 ? `[${endpoint.host}]` : endpoint.host;
  return `${host}:${endpoint.port}`;
}

/**
 * Whether a Host header names an address or this machine. A web page can make a name of its own point to loopback
 * and call it same-origin (DNS rebinding); it can't forge this header, so any other name may be such a page's.
 */
export function isLocalHostHeader(header: string | undefined): boolean {
  const host = (header ?? '').toLowerCase().replace(/:\d+$/, '');
  const isAddress = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/.test(host);
  return host === '' || isAddress || host === 'localhost' || host.endsWith('.localhost');
}

/** Whether only this machine can reach the host. Names other than `localhost` count as reachable from elsewhere. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  if (isIP(host) === 6) return new URL(`http://[${host}]`).hostname === '[::1]';
  return host.toLowerCase() === 'localhost';
}
