import { countItems, countJsonItems } from '../otlp/response.ts';
import type { Encoding, Signal } from '../otlp/response.ts';
import type { Door, DoorAnswer } from '../pipeline/door.ts';
import { OPEN_IDENTITY } from '../pipeline/identity.ts';
import type { Authenticator, HeaderLookup, Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';

/** What both protocols share: who may send, and what becomes of a body. */
export interface ExportService {
  /** Whether anybody who can connect may send: no `api_key_auth` is configured. */
  readonly open: boolean;
  /** Who sends, decided by headers alone. Rejects with Refusal where this sender's request must not be read. */
  admit(header: HeaderLookup): Promise<Identity>;
  /** Takes a body. Rejects with Refusal. */
  export(
    signal: Signal,
    body: Uint8Array,
    encoding: Encoding,
    identity: Identity,
    header: HeaderLookup,
  ): Promise<DoorAnswer>;
  /** The refusal to answer an error with; counts it. */
  refusalFor(error: unknown): Refusal;
}

const ITEMS: Readonly<Record<'logs' | 'metrics', string>> = {
  logs: 'log records',
  metrics: 'metric data points',
};
const RETRY_AFTER_FAULT_MS = 5000;

function notStored(signal: 'logs' | 'metrics', body: Uint8Array, encoding: Encoding): DoorAnswer {
  if (body.length === 0) return { rejected: 0, message: '' };
  const rejected = encoding === 'json' ? countJsonItems(signal, body) : countItems(signal, body);
  if (rejected === 0) return { rejected, message: '' };
  return { rejected, message: `this version of Spanmeter does not store ${ITEMS[signal]}; send it spans` };
}

/** Joins authenticator and door for one protocol of one receiver. */
export function createExportService(
  door: Door,
  authenticator: Authenticator | null,
  receiver: string,
  transport: 'http' | 'grpc',
): ExportService {
  const entrance = { receiver, transport };
  door.announce(entrance);
  return {
    open: authenticator === null,
    async admit(header) {
      const identity = authenticator === null ? OPEN_IDENTITY : await authenticator.authenticate(header);
      door.admit(identity);
      return identity;
    },
    async export(signal, body, encoding, identity, header) {
      if (signal === 'traces') return door.traces(body, encoding, identity, header, entrance);
      return notStored(signal, body, encoding);
    },
    refusalFor(error) {
      const refusal =
        error instanceof Refusal
          ? error
          : new Refusal('unavailable', 'the collector failed to take this request, send it again', {
              retryAfterMs: RETRY_AFTER_FAULT_MS,
              cause: error,
            });
      door.refused(entrance, refusal.code);
      return refusal;
    },
  };
}
