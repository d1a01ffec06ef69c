import type { Attributes } from '@opentelemetry/api';
import { asObject, classNameOf } from './json.ts';
import { ATTR_ERROR_TYPE, ATTR_HTTP_STATUS, ATTR_RESEND_COUNT } from './semconv.ts';

/** Characters of an error's class; a longer name is none. */
const MAX_NAME = 128;

/**
 * Adds what `error` tells of a failed call: its class or HTTP status, never its message. Never throws, whatever the
 * error is.
 */
export function describeFailure(error: unknown, attributes: Attributes): void {
  try {
    describe(error, attributes);
  } catch {
    attributes[ATTR_ERROR_TYPE] ??= '_OTHER';
  }
}

function describe(error: unknown, attributes: Attributes): void {
  // Errors of Smithy clients (AWS) know how often the request was sent.
  const attempts = asObject(asObject(error)?.['$metadata'])?.['attempts'];
  if (typeof attempts === 'number' && attempts > 1) attributes[ATTR_RESEND_COUNT] = attempts - 1;
  const status = statusOf(error);
  if (status !== undefined) {
    attributes[ATTR_HTTP_STATUS] = status;
    attributes[ATTR_ERROR_TYPE] = String(status);
    // An answer that says 200 and cannot be read is told by the error's class.
    if (status >= 400) return;
  }
  attributes[ATTR_ERROR_TYPE] = classOf(error) ?? '_OTHER';
}

function classOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const name = classNameOf(error);
  return name !== '' && name.length <= MAX_NAME ? name : undefined;
}

/** Where SDKs keep the HTTP status of an error. */
const STATUS_FIELDS = ['status', 'statusCode', 'status_code'];

function statusOf(error: unknown): number | undefined {
  const fields = asObject(error);
  for (const name of STATUS_FIELDS) {
    const status = fields?.[name];
    if (typeof status === 'number' && Number.isInteger(status)) return status;
  }
  const smithy = asObject(fields?.['$metadata'])?.['httpStatusCode'];
  const status = smithy ?? asObject(fields?.['httpResponse'])?.['status'];
  return typeof status === 'number' ? status : undefined;
}

/** Classes of errors by which SDKs say that the app aborted. */
const ABORTS: ReadonlySet<string> = new Set(['APIUserAbortError', 'ModelAbortError', 'RequestAbortedError']);

/** What fetch says, where an SDK (`cohere-ai@7`) hands on no more than that. */
const ABORTED = /^The user aborted a request\.?$/;

/** Whether a call failed since the app aborted it, which is no failure. Never throws. */
export function isAbort(error: unknown): boolean {
  try {
    if (!(error instanceof Error)) return false;
    const kind = classOf(error) ?? '';
    if (error.name === 'AbortError' || ABORTS.has(kind) || ABORTED.test(error.message)) return true;
    // An SDK's error for whatever went wrong; its error for a time limit, which aborts as well, is a failure.
    const { cause } = error;
    return cause instanceof Error && cause.name === 'AbortError' && !kind.includes('Timeout');
  } catch {
    return false;
  }
}
