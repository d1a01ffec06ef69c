import { spawnSync } from 'node:child_process';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { CLOCK } from './clock.ts';
import { diagnostics } from './diagnostics.ts';
import { untraced } from './suppress.ts';
import { MAX_TIMER_MS } from './timer-limit.ts';

const gzipAsync = promisify(gzip);

/** What became of one request: `retry` may be sent again, after `retryAfterMs` where the receiver said so. */
export interface SendResult {
  readonly outcome: 'delivered' | 'retry' | 'refused';
  readonly retryAfterMs?: number;
  readonly detail?: string;
  /** A part of a refused request may be all that is wrong with it. */
  readonly divisible?: boolean;
}

/** Sends one batch of spans. `hold(true)` keeps the process alive for it, `hold(false)` does not. */
export interface SpanSender {
  send(spans: readonly ReadableSpan[]): Promise<SendResult>;
  hold(on: boolean): void;
  /** A last attempt when no event loop is left; blocks at most `timeoutMs`. */
  sendNow(spans: readonly ReadableSpan[], timeoutMs: number): boolean;
}

type Encoders = typeof import('@opentelemetry/otlp-transformer');

/** A tenth of what `register` loads, for nothing in a process that calls no model. */
function requireEncoders(): Encoders {
  const require = createRequire(import.meta.url);
  return require('@opentelemetry/otlp-transformer') as Encoders;
}

/** OTLP/HTTP over sockets that never keep the host process alive, unless told to. */
export class OtlpSender implements SpanSender {
  readonly #options: ReturnType<typeof convertLegacyHttpOptions>;
  readonly #json: boolean;
  #agent: http.Agent | undefined;
  #socket: Socket | undefined;
  #headers: Record<string, string> | undefined;
  #encoders: Encoders | undefined;
  #held = false;

  /** Endpoint, headers, compression, timeout and certificates come from the `OTEL_EXPORTER_OTLP_*` variables. */
  constructor(protocol: 'http/protobuf' | 'http/json') {
    this.#json = protocol === 'http/json';
    this.#options = convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', {
      'Content-Type': this.#json ? 'application/json' : 'application/x-protobuf',
    });
  }

  hold(on: boolean): void {
    this.#held = on;
    if (on) this.#socket?.ref();
    else this.#socket?.unref();
  }

  async send(spans: readonly ReadableSpan[]): Promise<SendResult> {
    const body = this.#encode(spans);
    if (body === undefined) {
      return {
        outcome: 'refused',
        detail: 'a span cannot be encoded',
        divisible: this.#encoders !== undefined,
      };
    }
    const headers: Record<string, string> = { ...(await this.#options.headers()) };
    const zipped = this.#options.compression === 'gzip' ? await gzipAsync(body) : body;
    if (zipped !== body) headers['Content-Encoding'] = 'gzip';
    headers['Content-Length'] = String(zipped.byteLength);
    this.#agent ??= await this.#options.agentFactory(new URL(this.#options.url).protocol);
    return untraced(() => this.#post(headers, zipped));
  }

  sendNow(spans: readonly ReadableSpan[], timeoutMs: number): boolean {
    const body = isPlainNode() ? this.#encode(spans) : undefined;
    if (body === undefined) return false;
    const request = {
      url: this.#options.url,
      headers: this.#headers ?? {
        'Content-Type': this.#json ? 'application/json' : 'application/x-protobuf',
      },
      body: Buffer.from(body).toString('base64'),
    };
    const child = spawnSync(process.execPath, ['-e', POST_FROM_STDIN], {
      input: JSON.stringify(request),
      timeout: timeoutMs,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env['PATH'] },
      windowsHide: true,
    });
    return child.status === 0;
  }

  /** Resolves the headers ahead of time, so that a last attempt has them without an event loop. */
  async prepare(): Promise<void> {
    this.#headers = await this.#options.headers();
  }

  /** Loads what spans are encoded with, so that no request has to wait for it; never throws. */
  load(): void {
    try {
      this.#encoders ??= requireEncoders();
    } catch (fault) {
      diagnostics.error('spanmeter: spans cannot be encoded', fault);
    }
  }

  #encode(spans: readonly ReadableSpan[]): Uint8Array | undefined {
    this.load();
    const { JsonTraceSerializer: json, ProtobufTraceSerializer: protobuf } = this.#encoders ?? {};
    try {
      return (this.#json ? json : protobuf)?.serializeRequest([...spans]);
    } catch {
      // Another library's span may have times or values that are none.
      return undefined;
    }
  }

  #post(headers: Record<string, string>, body: Uint8Array): Promise<SendResult> {
    const { url, timeoutMillis } = this.#options;
    const { request } = url.startsWith('https:') ? https : http;
    return new Promise((resolve) => {
      const settle = (result: SendResult): void => {
        CLOCK.clearTimeout(deadline);
        resolve(result);
      };
      const outgoing = request(url, { method: 'POST', headers, agent: this.#agent }, (response) => {
        // The status decides. The body is read off for the sake of the connection, unless it has no end.
        settle(judge(response));
        // The rest is not worth a process that would end.
        response.socket.unref();
        const patience = CLOCK.setTimeout(() => response.destroy(), REST_MS).unref();
        response.on('error', () => undefined).on('close', () => CLOCK.clearTimeout(patience));
        response.resume();
      });
      // Covers a connection that is never accepted, too, which the socket's own timeout does not.
      const deadline = CLOCK.setTimeout(
        () => outgoing.destroy(new Error('no answer in time')),
        Math.min(timeoutMillis, MAX_TIMER_MS),
      ).unref();
      outgoing.on('socket', (socket) => {
        this.#socket = socket;
        if (!this.#held) socket.unref();
      });
      outgoing.on('error', (error) => settle({ outcome: 'retry', detail: error.message }));
      // Some ends are no error, as of a connection that the receiver has switched to another protocol.
      outgoing.on('close', () => settle({ outcome: 'retry', detail: 'no answer' }));
      outgoing.end(body);
    });
  }
}

/** An app packed with its runtime, or Electron, would start itself once more. */
function isPlainNode(): boolean {
  return /^(node|nodejs|bun)[\d.-]*(\.exe)?$/i.test(basename(process.execPath)) && !('pkg' in process);
}

/** How long the rest of an answer may take. */
const REST_MS = 5000;

/** OTLP 1.11: 429, 502, 503 and 504 may be sent again, every other refusal is final. */
function judge(response: http.IncomingMessage): SendResult {
  const status = response.statusCode ?? 0;
  // No collector answers with a page; something in front of it does, and took nothing.
  if (response.headers['content-type']?.startsWith('text/html') === true && status < 400) {
    return { outcome: 'retry', detail: 'a web page answered' };
  }
  if (status >= 200 && status < 300) return { outcome: 'delivered' };
  if (![429, 502, 503, 504].includes(status)) {
    return { outcome: 'refused', detail: `HTTP ${status}`, divisible: [400, 413, 422].includes(status) };
  }
  const seconds = Number(response.headers['retry-after']);
  return {
    outcome: 'retry',
    detail: `HTTP ${status}`,
    ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
  };
}

/** Runs in a child process without loader hooks: one POST, exit code 0 if it was taken. */
const POST_FROM_STDIN = `
let input = '';
process.stdin.setEncoding('utf8').on('data', (text) => (input += text)).on('end', () => {
  const { url, headers, body } = JSON.parse(input);
  const { request } = require(url.startsWith('https:') ? 'https' : 'http');
  request(url, { method: 'POST', headers }, ({ statusCode }) => process.exit(statusCode < 300 ? 0 : 1))
    .on('error', () => process.exit(1))
    .end(Buffer.from(body, 'base64'));
});`;
