import { status } from '@grpc/grpc-js';
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { HEALTH_CHECK, HEALTH_WATCH, OTLP_SERVICES } from './grpc-methods.ts';

// grpc.health.v1: HealthCheckRequest { 1: string service }, HealthCheckResponse { 1: ServingStatus status }
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
const STATUS_TAG = 0x08;
const SERVICE_TAG = 0x0a;

/** How often a watcher is told of a change. */
const WATCH_INTERVAL_MS = 1000;
const MAX_WATCHERS = 1000;
const KNOWN_SERVICES: ReadonlySet<string> = new Set(['', ...Object.values(OTLP_SERVICES)]);

/** The service's name, or null where the request is not readable. Names are under 128 bytes: one length byte. */
function requestedService(request: Buffer): string | null {
  if (request.length === 0) return '';
  if (request[0] !== SERVICE_TAG || request.length < 2 || request[1] !== request.length - 2) return null;
  return request.toString('utf8', 2);
}

function response(serving: number): Buffer {
  return Buffer.from([STATUS_TAG, serving]);
}

/** The standard health service; `stop` ends watches, which would hold up a graceful shutdown for ever. */
export class GrpcHealth {
  readonly #serving: () => boolean;
  readonly #watches = new Set<ServerWritableStream<Buffer, Buffer>>();
  #timer: NodeJS.Timeout | undefined;
  #last = SERVING;
  #stopped = false;

  constructor(serving: () => boolean) {
    this.#serving = serving;
  }

  addTo(server: Server): void {
    server.addService(
      { check: HEALTH_CHECK, watch: HEALTH_WATCH },
      {
        check: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
          this.#check(call, callback),
        watch: (call: ServerWritableStream<Buffer, Buffer>) => this.#watch(call),
      },
    );
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const watch of this.#watches) {
      watch.write(response(NOT_SERVING));
      watch.end();
    }
    this.#watches.clear();
  }

  #state(): number {
    return !this.#stopped && this.#serving() ? SERVING : NOT_SERVING;
  }

  #check({ request }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
    const service = requestedService(request);
    if (service !== null && KNOWN_SERVICES.has(service)) callback(null, response(this.#state()));
    else callback({ code: status.NOT_FOUND, details: 'unknown service' });
  }

  #watch(call: ServerWritableStream<Buffer, Buffer>): void {
    const service = requestedService(call.request);
    const known = service !== null && KNOWN_SERVICES.has(service);
    if (this.#stopped || this.#watches.size >= MAX_WATCHERS) {
      call.write(response(this.#state()));
      call.end();
      return;
    }
    call.write(response(known ? this.#state() : SERVICE_UNKNOWN));
    if (known) this.#watches.add(call);
    call.once('cancelled', () => {
      this.#watches.delete(call);
      call.end();
    });
    this.#last = this.#state();
    this.#timer ??= setInterval(() => this.#tellWatches(), WATCH_INTERVAL_MS).unref();
  }

  #tellWatches(): void {
    const state = this.#state();
    if (state === this.#last) return;
    this.#last = state;
    for (const watch of this.#watches) watch.write(response(state));
  }
}
