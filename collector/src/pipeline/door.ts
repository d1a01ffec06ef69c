import type { RecordContext } from '@spanmeter/processors';
import type { Encoding } from '../otlp/response.ts';
import type { Counter, Logger, SelfMetrics } from './component.ts';
import type { JournalRecord, SpanOffsets } from './entry.ts';
import type { HeaderLookup, Identity } from './identity.ts';
import { createRateLimiter } from './rate-limit.ts';
import type { RateLimits } from './rate-limit.ts';
import { Refusal, REFUSAL_CODES } from './refusal.ts';

/** Which receiver a request came through; the labels of the door's counters. */
export interface Entrance {
  /** Id of the receiver: `otlp` or `otlp/name`. */
  readonly receiver: string;
  readonly transport: 'http' | 'grpc';
}

/** What was taken of an accepted request. `rejected` 0 with an empty message is full success. */
export interface DoorAnswer {
  readonly rejected: number;
  readonly message: string;
}

/** The part of the scan's result that the door reads. */
export interface ScannedTraces {
  readonly body: Uint8Array;
  readonly offsets: SpanOffsets;
  /** Spans that came in, rejected ones included. */
  readonly totalSpans: number;
  readonly genAiSpans: number;
  readonly rejectedSpans: number;
  readonly rejection: string | null;
}

export interface ScanSettings {
  readonly keep: 'all' | 'gen_ai';
  readonly keyPrefixes: readonly string[];
}

export interface DoorOptions {
  /** Resolves with the record's sequence once it is durable. Rejects with Refusal where it cannot be. */
  append(record: JournalRecord): Promise<number>;
  readonly keep: 'all' | 'gen_ai';
  readonly keyPrefixes: readonly string[];
  /** Bound of a body in protobuf; JSON can grow when it is turned into that. */
  readonly maxBodyBytes: number;
  /** GenAI spans in one request: they are decoded and stored together, so that memory stays bounded. */
  readonly maxSpans?: number;
  readonly limits: RateLimits;
  readonly metrics: SelfMetrics;
  readonly log: Logger;
  scan(body: Uint8Array, settings: ScanSettings): ScannedTraces;
  toProtobuf(json: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Throws Refusal while nothing may be read at all (`memory_limiter`). */
  admit?(): void;
  /** Milliseconds since the epoch. */
  now?(): number;
}

/** Where accepted requests enter the pipeline. */
export interface Door {
  /** Shows an entrance's counters, at 0: a rate sees no first event of a series that begins with it. */
  announce(entrance: Entrance): void;
  /** Throws Refusal while no request should even be read. */
  admit(identity: Identity): void;
  /**
   * Checks an ExportTraceServiceRequest and makes it durable. Rejects with Refusal: `invalid` for a malformed
   * body, `forbidden` for a key that may not send, `overloaded` over the tenant's limits, `unavailable` where
   * the journal cannot take it or something of ours failed.
   */
  traces(
    body: Uint8Array,
    encoding: Encoding,
    identity: Identity,
    header: HeaderLookup,
    entrance: Entrance,
  ): Promise<DoorAnswer>;
  /** Counts a request that was refused, before or by `traces`. */
  refused(entrance: Entrance, code: string): void;
}

const TENANT_HEADER = 'x-scope-orgid';
const MAX_TENANT_BYTES = 512;
const RETRY_AFTER_FAULT_MS = 5000;
const LABELS = ['receiver', 'transport'] as const;

/** Node gives header bytes as Latin-1; senders write UTF-8. */
function headerText(value: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/^[\u0000-\u007f]*$/.test(value) || /[^\u0000-\u00ff]/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** At most `maxBytes` of UTF-8, cut between characters. */
function cutText(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  let end = Math.min(maxBytes, bytes.length);
  while (end > 0 && end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/**
 * The tenant that the header declares. Where the declaration counts, an over-long name is refused, since a cut
 * one could be another tenant's; where it is only recorded, it is cut.
 */
function declaredTenant(identity: Identity, header: HeaderLookup): string | null {
  const text = headerText(header(TENANT_HEADER) ?? '').trim();
  if (text === '') return null;
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_TENANT_BYTES) return text;
  if (identity.role === 'ingest') return cutText(text, MAX_TENANT_BYTES);
  throw new Refusal(
    'invalid',
    `the tenant in ${TENANT_HEADER} has ${bytes} bytes; at most ${MAX_TENANT_BYTES} are allowed`,
  );
}

function mustIngest(identity: Identity): void {
  if (identity.role === 'read' || identity.role === 'admin') {
    throw new Refusal(
      'forbidden',
      `a key with the role ${identity.role} may not send telemetry; use an ingest or gateway key`,
    );
  }
}

/** The tenant whose limits apply. Spans may name another one, which only the processors can see. */
function limitedTenant(identity: Identity, declared: string | null): string {
  if (identity.role === 'ingest') return identity.tenant ?? 'default';
  return declared ?? identity.tenant ?? 'default';
}

/**
 * Unknown members of OTLP/JSON are ignored, so another signal's request reads as an empty one; answering success
 * would lose it unseen. (In protobuf its wire types give it away.)
 */
function mustBeTraces(json: Uint8Array): void {
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const other = ['resourceLogs', 'resourceMetrics', 'resourceProfiles'].find((name) =>
    text.includes(`"${name}"`),
  );
  if (other !== undefined)
    throw new Refusal('invalid', `this is a request with ${other}, sent to the path of traces`);
}

class JournalDoor implements Door {
  readonly #options: DoorOptions;
  readonly #limiter;
  readonly #now: () => number;
  readonly #accepted: Counter;
  readonly #refusedSpans: Counter;
  readonly #failedSpans: Counter;
  readonly #skipped: Counter;
  readonly #requests: Counter;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#limiter = createRateLimiter(options.limits);
    this.#now = () => options.now?.() ?? Date.now();
    const counter = (name: string, help: string, labels: readonly string[] = LABELS): Counter =>
      options.metrics.counter(name, help, labels);
    this.#accepted = counter('otelcol_receiver_accepted_spans', 'Spans that were taken, GenAI or not.');
    this.#refusedSpans = counter('otelcol_receiver_refused_spans', 'Spans that were refused, by any reason.');
    this.#failedSpans = counter(
      'otelcol_receiver_failed_spans',
      'Spans that a fault of the collector kept out.',
    );
    this.#skipped = counter(
      'spanmeter_receiver_skipped_spans',
      'Accepted spans that no exporter wants, not journalled.',
    );
    this.#requests = counter(
      'spanmeter_receiver_refused_requests',
      'Requests answered with an error, by code.',
      [...LABELS, 'code'],
    );
  }

  admit(identity: Identity): void {
    this.#options.admit?.();
    mustIngest(identity);
  }

  announce({ receiver, transport }: Entrance): void {
    const labels = { receiver, transport };
    for (const counter of [this.#accepted, this.#refusedSpans, this.#failedSpans, this.#skipped]) {
      counter.add(0, labels);
    }
    for (const code of REFUSAL_CODES) this.#requests.add(0, { ...labels, code });
  }

  refused(entrance: Entrance, code: string): void {
    this.#requests.add(1, { ...entrance, code });
  }

  async traces(
    body: Uint8Array,
    encoding: Encoding,
    identity: Identity,
    header: HeaderLookup,
    entrance: Entrance,
  ): Promise<DoorAnswer> {
    const labels = { receiver: entrance.receiver, transport: entrance.transport };
    let spans = 0;
    try {
      mustIngest(identity);
      const declared = declaredTenant(identity, header);
      const tenant = limitedTenant(identity, declared);
      this.#mustNotWait(tenant);
      const scanned = await this.#scan(body, encoding);
      spans = scanned.totalSpans;
      this.#mustFit(scanned.genAiSpans);
      this.#mustNotWait(tenant);
      this.#limiter.charge(tenant, spans, body.length, performance.now());
      await this.#append(scanned, identity, declared, labels);
      this.#accepted.add(spans - scanned.rejectedSpans, labels);
      if (scanned.rejectedSpans > 0) this.#refusedSpans.add(scanned.rejectedSpans, labels);
      return { rejected: scanned.rejectedSpans, message: scanned.rejection ?? '' };
    } catch (error) {
      throw this.#refusalFor(error, spans, labels);
    }
  }

  async #scan(body: Uint8Array, encoding: Encoding): Promise<ScannedTraces> {
    const { keep, keyPrefixes, maxBodyBytes } = this.#options;
    const protobuf =
      encoding === 'protobuf' || body.length === 0 ? body : await this.#options.toProtobuf(body);
    if (encoding === 'json' && protobuf.length === 0) mustBeTraces(body);
    if (protobuf.length > maxBodyBytes) {
      throw new Refusal(
        'too_large',
        `the request has ${protobuf.length} bytes as protobuf; at most ${maxBodyBytes} are taken`,
      );
    }
    return this.#options.scan(protobuf, { keep, keyPrefixes });
  }

  async #append(
    scanned: ScannedTraces,
    identity: Identity,
    declared: string | null,
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { totalSpans, rejectedSpans, genAiSpans, offsets, body } = scanned;
    const skipped = this.#options.keep === 'gen_ai' ? totalSpans - rejectedSpans - genAiSpans : 0;
    if (skipped > 0) this.#skipped.add(skipped, labels);
    if (totalSpans === rejectedSpans || (genAiSpans === 0 && this.#options.keep === 'gen_ai')) return;
    const { role, tenant, keyId, team } = identity;
    const context: RecordContext = {
      receivedUnixMs: this.#now(),
      role,
      tenant,
      declaredTenant: declared,
      keyId,
      team,
    };
    await this.#options.append({
      signal: 'traces',
      context,
      body,
      offsets,
      totalSpans: totalSpans - rejectedSpans,
    });
  }

  #mustFit(genAiSpans: number): void {
    const most = this.#options.maxSpans ?? Number.MAX_SAFE_INTEGER;
    if (genAiSpans <= most) return;
    throw new Refusal('too_large', `the request has ${genAiSpans} GenAI spans; at most ${most} are taken`);
  }

  #mustNotWait(tenant: string): void {
    const waitMs = this.#limiter.waitMs(tenant, performance.now());
    if (waitMs > 0) {
      throw new Refusal('overloaded', `over the limit of tenant "${cutText(tenant, 64)}"`, {
        retryAfterMs: waitMs,
      });
    }
  }

  /** What is not a refusal is our fault, and the sender must keep its data: it is asked to send again. */
  #refusalFor(error: unknown, spans: number, labels: Readonly<Record<string, string>>): Refusal {
    if (error instanceof Refusal) {
      if (spans > 0) this.#refusedSpans.add(spans, labels);
      return error;
    }
    if (spans > 0) this.#failedSpans.add(spans, labels);
    this.#options.log.error(
      { err: error },
      'a request could not be taken because of a fault in the collector',
    );
    return new Refusal('unavailable', 'the collector failed to take this request, send it again', {
      retryAfterMs: RETRY_AFTER_FAULT_MS,
      cause: error,
    });
  }
}

/** The door of a pipeline. */
export function createDoor(options: DoorOptions): Door {
  return new JournalDoor(options);
}
