import type { Request, Response } from 'express';
import { ZodError } from 'zod';
import type { Logger } from '../pipeline/component.ts';
import { Refusal } from '../pipeline/refusal.ts';

interface Detail {
  readonly parameter: string;
  readonly message: string;
}

/** [contract] The one shape of every error of the API. */
export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string; readonly details?: readonly Detail[] };
}

function detailsOf(error: ZodError): Detail[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((parameter) => ({ parameter, message: 'is not a parameter of this endpoint' }));
    }
    return [{ parameter: issue.path.join('.'), message: issue.message }];
  });
}

function write(response: Response, status: number, error: ErrorAnswer['error']): void {
  response.status(status).json({ error } satisfies ErrorAnswer);
}

/** Answers an error; what is not a deliberate refusal is ours, logged, and told to nobody. */
export function sendError(error: unknown, request: Request, response: Response, log: Logger): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof ZodError) {
    write(response, 400, {
      code: 'invalid',
      message: 'The parameters are not valid.',
      details: detailsOf(error),
    });
    return;
  }
  if (error instanceof URIError) {
    // The router's, of a path such as /%E0%A4%A: whoever sent it is at fault.
    write(response, 400, { code: 'invalid', message: 'The path is not valid percent-encoded UTF-8.' });
    return;
  }
  if (error instanceof Refusal) {
    if (error.code === 'unauthenticated') response.setHeader('www-authenticate', 'Bearer realm="spanmeter"');
    if (error.retryAfterMs !== undefined) {
      response.setHeader('retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
    }
    write(response, error.httpStatus, { code: error.code, message: error.message });
    return;
  }
  // The path alone: a query may name people.
  log.error({ err: error, path: request.path }, 'A request to the API failed.');
  write(response, 500, { code: 'internal', message: 'The request failed; the log says why.' });
}
