import { errorMessage } from '../database/failure.ts';
import { CliError } from './output.ts';

export interface ReplayRequest {
  readonly url: string;
  /** An API key, where the collector asks for one. */
  readonly key: string | undefined;
  readonly tenant: string;
  /** An ExportTraceServiceRequest. */
  readonly payload: Uint8Array;
}

const TIMEOUT_MS = 30_000;

/**
 * Posts a payload as its tenant. Resolves once the collector has it on disk; rejects with CliError where it was
 * not taken, whole.
 */
export async function replayLetter({ url, key, tenant, payload }: ReplayRequest): Promise<void> {
  if (payload.length === 0) throw new CliError('has no payload to replay.');
  if (!/^[\x21-\x7E]+$/.test(tenant)) throw new CliError('its tenant cannot be named in a header.');
  const headers: Record<string, string> = {
    'content-type': 'application/x-protobuf',
    'x-scope-orgid': tenant,
  };
  if (key !== undefined && key !== '') headers['authorization'] = `Bearer ${key}`;
  let response: Response;
  let body: Uint8Array;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(url, {
      method: 'POST',
      headers,
      body: payload as Uint8Array<ArrayBuffer>,
      signal,
    });
    body = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new CliError(`the collector at ${url} cannot be reached (${errorMessage(cause)}).`, 1, {
      cause: error,
    });
  }
  if (response.status !== 200) throw new CliError(`the collector answered ${response.status}.`);
  if (rejectedSpans(body) > 0) throw new CliError('the collector refused its spans again.');
}

/**
 * `rejected_spans` of an ExportTraceServiceResponse: field 1 (partial_success, length-delimited) holds field 1
 * (a varint). Anything else in the answer is skipped over or means none.
 */
export function rejectedSpans(body: Uint8Array): number {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < body.length; scale *= 128) {
      const byte = body[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  };
  if (body[at++] !== 0x0a) return 0;
  const end = varint() + at;
  while (at < end && at < body.length) {
    const tag = varint();
    if (tag === 0x08) return varint();
    if ((tag & 7) !== 2) return 0;
    const length = varint();
    at += length;
  }
  return 0;
}
