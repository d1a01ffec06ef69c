import {
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  setLogger,
  status,
} from '@grpc/grpc-js';
import type {
  sendUnaryData,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  ServerOptions,
  ServerUnaryCall,
} from '@grpc/grpc-js';
import { encodeExportResponse, encodeStatus } from '../otlp/response.ts';
import type { Signal } from '../otlp/response.ts';
import type { Component, Logger } from '../pipeline/component.ts';
import { formatEndpoint, parseEndpoint } from '../pipeline/endpoint.ts';
import type { HeaderLookup, Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { ExportService } from './export-service.ts';
import { GrpcHealth } from './grpc-health.ts';
import { exportMethod, OTLP_SERVICES } from './grpc-methods.ts';
import { listenFailure } from './listen-failure.ts';
import type { OtlpGrpcOptions } from './otlp-options.ts';

export interface OtlpGrpcParts {
  readonly log: Logger;
  readonly budget: ByteBudget;
  readonly service: ExportService;
  /** What the health service answers. */
  serving(): boolean;
}

const MIB = 1024 * 1024;
const STATUS_DETAILS = 'grpc-status-details-bin';
const EXPORT_PATHS: ReadonlySet<string> = new Set(
  Object.values(OTLP_SERVICES).map((name) => exportMethod(name).path),
);

/** The codes that a refusal can have, as the library's own type. */
const STATUS_BY_NUMBER: ReadonlyMap<number, status> = new Map(
  [
    status.INVALID_ARGUMENT,
    status.PERMISSION_DENIED,
    status.RESOURCE_EXHAUSTED,
    status.UNIMPLEMENTED,
    status.UNAVAILABLE,
    status.UNAUTHENTICATED,
  ].map((code) => [code, code]),
);

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function headersOf(metadata: Metadata): HeaderLookup {
  return (name) => {
    const [value] = metadata.get(name);
    return value === undefined ? undefined : String(value);
  };
}

/** The library writes to standard error by itself; its lines belong into our log, and what matters is said by us. */
function libraryLogTo(log: Logger): void {
  const write = (...parts: unknown[]): void => log.debug({ library: 'grpc-js' }, parts.map(String).join(' '));
  setLogger({ error: write, info: write, debug: write });
}

interface GrpcFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status that a refusal becomes; its details carry RetryInfo where the sender may send again. */
function failureOf(refusal: Refusal): GrpcFailure {
  const metadata = new Metadata();
  const details = encodeStatus('protobuf', refusal.grpcStatus, refusal.message, refusal.retryAfterMs);
  metadata.set(STATUS_DETAILS, asBuffer(details));
  return {
    code: STATUS_BY_NUMBER.get(refusal.grpcStatus) ?? status.UNKNOWN,
    details: refusal.message,
    metadata,
  };
}

function serverOptions(options: OtlpGrpcOptions, interceptor: ServerInterceptor): ServerOptions {
  const { max_connection_idle, max_connection_age, max_connection_age_grace, time, timeout } =
    options.keepalive.server_parameters;
  return {
    interceptors: [interceptor],
    'grpc.max_receive_message_length': options.max_recv_msg_size_mib * MIB,
    'grpc.max_concurrent_streams': options.max_concurrent_streams,
    'grpc.enable_channelz': 0,
    ...(max_connection_idle > 0 ? { 'grpc.max_connection_idle_ms': max_connection_idle } : {}),
    ...(max_connection_age > 0 ? { 'grpc.max_connection_age_ms': max_connection_age } : {}),
    'grpc.max_connection_age_grace_ms': max_connection_age_grace,
    ...(time > 0 ? { 'grpc.keepalive_time_ms': time } : {}),
    'grpc.keepalive_timeout_ms': timeout,
  };
}

/** OTLP 1.11 over gRPC, with the standard health service. */
export class OtlpGrpcServer implements Component {
  readonly #options: OtlpGrpcOptions;
  readonly #parts: OtlpGrpcParts;
  readonly #server: Server;
  readonly #health: GrpcHealth;
  /** Identities found when the metadata came, for the handler that gets the same metadata with the message. */
  readonly #identities = new WeakMap<Metadata, Identity>();
  #port: number | null = null;

  constructor(options: OtlpGrpcOptions, parts: OtlpGrpcParts) {
    this.#options = options;
    this.#parts = parts;
    this.#server = new Server(serverOptions(options, (method, call) => this.#intercept(method.path, call)));
    for (const signal of ['traces', 'metrics', 'logs'] as const) {
      this.#server.addService(
        { export: exportMethod(OTLP_SERVICES[signal]) },
        {
          export: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
            void this.#export(signal, call, callback),
        },
      );
    }
    this.#health = new GrpcHealth(() => parts.serving());
    this.#health.addTo(this.#server);
  }

  /** The port it listens on, or null before the start. */
  get port(): number | null {
    return this.#port;
  }

  async start(): Promise<void> {
    const { endpoint } = this.#options;
    libraryLogTo(this.#parts.log);
    const { host, port } = parseEndpoint(endpoint) ?? { host: '', port: 0 };
    const address = formatEndpoint({ host: host === '' ? '::' : host, port });
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(listenFailure('OTLP/gRPC', endpoint, 'SPANMETER_OTLP_GRPC_ENDPOINT', error));
      });
    });
    this.#parts.log.info({ endpoint, port: this.#port }, 'OTLP/gRPC is listening');
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#health.stop();
    const giveUp = (): void => this.#server.forceShutdown();
    if (deadline.aborted) return giveUp();
    deadline.addEventListener('abort', giveUp, { once: true });
    await new Promise<void>((resolve) => {
      deadline.addEventListener('abort', () => resolve(), { once: true });
      this.#server.tryShutdown(() => resolve());
    });
    deadline.removeEventListener('abort', giveUp);
    return undefined;
  }

  /** Refuses by metadata alone, before the message is taken in. */
  #intercept(path: string, call: ServerInterceptingCallInterface): ServerInterceptingCall {
    if (!EXPORT_PATHS.has(path)) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            this.#parts.service.admit(headersOf(metadata)).then(
              (identity) => {
                this.#identities.set(metadata, identity);
                proceed(metadata);
              },
              (error: unknown) => call.sendStatus(failureOf(this.#refusalFor(error))),
            );
          },
        }),
    });
  }

  async #export(
    signal: Signal,
    { request, metadata }: ServerUnaryCall<Buffer, Buffer>,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    const { service, budget } = this.#parts;
    let answer: Buffer;
    try {
      const lookup = headersOf(metadata);
      const identity = this.#identities.get(metadata) ?? (await service.admit(lookup));
      const reservation = budget.open();
      try {
        reservation.take(request.length);
        const { rejected, message } = await service.export(signal, request, 'protobuf', identity, lookup);
        answer = asBuffer(encodeExportResponse('protobuf', signal, rejected, message));
      } finally {
        reservation.release();
      }
    } catch (error) {
      callback(failureOf(this.#refusalFor(error)));
      return;
    }
    callback(null, answer);
  }

  #refusalFor(error: unknown): Refusal {
    if (!(error instanceof Refusal)) this.#parts.log.error({ err: error }, 'an OTLP/gRPC request failed');
    return this.#parts.service.refusalFor(error);
  }
}
