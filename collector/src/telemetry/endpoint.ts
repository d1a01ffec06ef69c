import { isIPv4, isIPv6 } from 'node:net';

/** A place to listen: port 0 lets the system choose. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const FORM = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/;

/**
 * Reads `host:port`, `[v6]:port` or `:port` (every interface). Throws an Error that names the text.
 */
export function parseEndpoint(text: string): Endpoint {
  const match = FORM.exec(text.trim());
  const port = Number(match?.[3]);
  const bracketed = match?.[1];
  if (match === null || port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed))) {
    throw new Error(`"${text}" is not an address to listen on: write host:port, for example 127.0.0.1:4318`);
  }
  const host = bracketed ?? match[2] ?? '';
  return { host: host === '' ? '::' : host, port };
}

/** Whether `parseEndpoint` reads the text. */
export function isEndpoint(text: string): boolean {
  try {
    parseEndpoint(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether only programs of this machine can reach the host: `localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (isIPv4(name)) return name.startsWith('127.');
  return name === 'localhost' || name === '::1' || name.startsWith('::ffff:127.');
}

/** Writes an endpoint as it is read. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
