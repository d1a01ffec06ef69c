import type { Component, ComponentType, Host } from '../pipeline/component.ts';
import type { Door } from '../pipeline/door.ts';
import type { Authenticator } from '../pipeline/identity.ts';
import { ByteBudget } from './byte-budget.ts';
import { createExportService } from './export-service.ts';
import { OtlpGrpcServer } from './otlp-grpc.ts';
import { OtlpHttpServer } from './otlp-http.ts';
import { otlpReceiverOptions } from './otlp-options.ts';
import type { OtlpReceiverOptions } from './otlp-options.ts';

/** The `otlp` receiver. */
export const otlpReceiver: ComponentType<OtlpReceiverOptions> = {
  kind: 'receiver',
  type: 'otlp',
  summary: 'Takes OTLP traces over gRPC and HTTP and answers once they are durable.',
  options: otlpReceiverOptions,
};

/** What the receiver needs besides its options. */
export interface OtlpReceiverParts {
  readonly host: Host;
  readonly door: Door;
  /** Null where no `api_key_auth` is configured: everybody is `open`. */
  readonly authenticator: Authenticator | null;
  /** What the gRPC health service answers; always serving where absent. */
  readonly serving?: () => boolean;
}

/** A running receiver, with the addresses it listens on (for port 0). */
export interface OtlpReceiver extends Component {
  readonly httpPort: number | null;
  readonly grpcPort: number | null;
}

/** Makes the `otlp` receiver. `start` rejects with one sentence where a port cannot be had. */
export function createOtlpReceiver(settings: OtlpReceiverOptions, parts: OtlpReceiverParts): OtlpReceiver {
  const { host, door, authenticator, serving } = parts;
  const budget = new ByteBudget(settings.max_in_flight_size);
  host.metrics.gauge(
    'spanmeter_receiver_in_flight_bytes',
    'Bytes of requests in memory.',
    () => [{ labels: { receiver: host.id }, value: budget.heldBytes }],
    ['receiver'],
  );
  const { grpc, http } = settings.protocols;
  const service = (transport: 'http' | 'grpc'): ReturnType<typeof createExportService> =>
    createExportService(door, authenticator, host.id, transport);
  const httpServer =
    http === undefined ? null : new OtlpHttpServer(http, { log: host.log, budget, service: service('http') });
  const grpcServer =
    grpc === undefined
      ? null
      : new OtlpGrpcServer(grpc, {
          log: host.log,
          budget,
          service: service('grpc'),
          serving: serving ?? (() => true),
        });
  const servers = [httpServer, grpcServer].filter((server) => server !== null);
  return {
    get httpPort() {
      return httpServer?.port ?? null;
    },
    get grpcPort() {
      return grpcServer?.port ?? null;
    },
    async start() {
      const results = await Promise.allSettled(servers.map((server) => server.start()));
      const failures = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as Error] : [],
      );
      const [first] = failures;
      if (first === undefined) return;
      await Promise.all(servers.map((server) => server.stop(AbortSignal.abort())));
      throw failures.length === 1
        ? first
        : new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
    },
    async stop(deadline) {
      await Promise.all(servers.map((server) => server.stop(deadline)));
    },
  };
}
