import type { IncomingMessage, ServerResponse } from 'node:http';

/** Which web pages may send, as the Collector's `cors` options say it. */
export interface CorsOptions {
  readonly allowed_origins: readonly string[];
  readonly allowed_headers: readonly string[];
  /** Seconds for which a browser may remember the answer. */
  readonly max_age: number;
}

const DEFAULT_HEADERS = ['content-type', 'content-encoding', 'authorization', 'x-api-key', 'x-scope-orgid'];

function matches(pattern: string, origin: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern.toLowerCase() === origin.toLowerCase();
  const [head, tail] = [pattern.slice(0, star).toLowerCase(), pattern.slice(star + 1).toLowerCase()];
  const text = origin.toLowerCase();
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

/** Whether pages of this origin may send. */
export function allowsOrigin(cors: CorsOptions | undefined, origin: string): boolean {
  return cors?.allowed_origins.some((pattern) => matches(pattern, origin)) ?? false;
}

/** Sets the CORS headers of any answer; true where the request was a preflight and is answered with it. */
export function answerCors(
  cors: CorsOptions | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { origin } = request.headers;
  if (cors === undefined || cors.allowed_origins.length === 0 || origin === undefined) return false;
  response.setHeader('vary', 'Origin');
  const allowed = allowsOrigin(cors, origin);
  if (allowed) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-credentials', 'true');
  }
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return false;
  if (allowed) {
    response.setHeader('access-control-allow-methods', 'POST');
    response.setHeader(
      'access-control-allow-headers',
      [...DEFAULT_HEADERS, ...cors.allowed_headers].join(', '),
    );
    if (cors.max_age > 0) response.setHeader('access-control-max-age', String(cors.max_age));
  }
  response.writeHead(204);
  response.end();
  return true;
}
