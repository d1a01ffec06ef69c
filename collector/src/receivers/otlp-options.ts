import { z } from 'zod';
import { byteSizeOption, durationOption, endpointOption } from '../pipeline/option-types.ts';
import type { CorsOptions } from './cors.ts';

/** Options of OTLP over HTTP; sizes in bytes, durations in milliseconds. */
export interface OtlpHttpOptions {
  readonly endpoint: string;
  readonly traces_url_path: string;
  readonly logs_url_path: string;
  readonly metrics_url_path: string;
  readonly max_request_body_size: number;
  readonly read_header_timeout: number;
  readonly read_timeout: number;
  readonly idle_timeout: number;
  readonly max_connections: number;
  readonly cors?: CorsOptions | undefined;
}

/** Options of OTLP over gRPC; durations in milliseconds, 0 for none. */
export interface OtlpGrpcOptions {
  readonly endpoint: string;
  readonly max_recv_msg_size_mib: number;
  readonly max_concurrent_streams: number;
  readonly keepalive: {
    readonly server_parameters: {
      readonly max_connection_idle: number;
      readonly max_connection_age: number;
      readonly max_connection_age_grace: number;
      readonly time: number;
      readonly timeout: number;
    };
  };
}

/** Options of the `otlp` receiver. */
export interface OtlpReceiverOptions {
  readonly protocols: {
    readonly grpc?: OtlpGrpcOptions | undefined;
    readonly http?: OtlpHttpOptions | undefined;
  };
  readonly max_in_flight_size: number;
  /** GenAI spans of one request. */
  readonly max_request_spans: number;
  readonly tenant_limits: { readonly spans_per_second: number; readonly bytes_per_second: number };
}

const urlPath = z.string().startsWith('/');

const corsOptions = z.strictObject({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe('Origins of pages that may send; one `*` in each stands for any text.'),
  allowed_headers: z.array(z.string()).default([]).describe('Request headers allowed beside the usual ones.'),
  max_age: z.number().int().nonnegative().default(0).describe('Seconds a browser may remember the answer.'),
});

const httpOptions: z.ZodType<OtlpHttpOptions> = z.strictObject({
  endpoint: endpointOption.default('127.0.0.1:4318').describe('Where to listen, as host:port.'),
  traces_url_path: urlPath.default('/v1/traces').describe('Path for traces.'),
  logs_url_path: urlPath.default('/v1/logs').describe('Path for logs, which are answered and not stored.'),
  metrics_url_path: urlPath
    .default('/v1/metrics')
    .describe('Path for metrics, which are answered and not stored.'),
  max_request_body_size: byteSizeOption
    .prefault('64MiB')
    .describe('Largest body, before and after decompression; larger ones get 413.'),
  read_header_timeout: durationOption
    .prefault('10s')
    .describe('Time for the headers of a request to arrive.'),
  read_timeout: durationOption.prefault('60s').describe('Time for a whole request to arrive.'),
  idle_timeout: durationOption.prefault('60s').describe('How long an unused connection is kept.'),
  max_connections: z
    .number()
    .int()
    .positive()
    .default(10_000)
    .describe('Connections at once; more are closed.'),
  cors: corsOptions.optional().describe('Lets web pages of other origins send.'),
});

const grpcOptions: z.ZodType<OtlpGrpcOptions> = z.strictObject({
  endpoint: endpointOption.default('127.0.0.1:4317').describe('Where to listen, as host:port.'),
  max_recv_msg_size_mib: z
    .number()
    .int()
    .positive()
    .max(2047)
    .default(64)
    .describe('Largest message in MiB, before and after decompression; larger ones get RESOURCE_EXHAUSTED.'),
  max_concurrent_streams: z
    .number()
    .int()
    .positive()
    .default(1000)
    .describe('Requests at once per connection.'),
  keepalive: z
    .strictObject({
      server_parameters: z
        .strictObject({
          max_connection_idle: durationOption
            .prefault('0')
            .describe('Closes unused connections; 0 never does.'),
          max_connection_age: durationOption
            .prefault('0')
            .describe('Closes connections of this age, so that senders spread over replicas; 0 never does.'),
          max_connection_age_grace: durationOption
            .prefault('30s')
            .describe('Time for requests under way when a connection has reached its age.'),
          time: durationOption.prefault('2h').describe('Pings a silent connection after this time.'),
          timeout: durationOption.prefault('20s').describe('Closes it where no answer comes in this time.'),
        })
        .prefault({}),
    })
    .prefault({})
    .describe('Life of connections.'),
});

/** A protocol is switched on by its key; `grpc:` with nothing below means its defaults. */
function switchedOn<O>(options: z.ZodType<O>): z.ZodType<O | undefined> {
  return z.union([options, z.null().transform(() => options.parse({}))]).optional();
}

/** Schema of the `otlp` receiver. */
export const otlpReceiverOptions: z.ZodType<OtlpReceiverOptions> = z.strictObject({
  protocols: z
    .strictObject({
      grpc: switchedOn(grpcOptions).describe('OTLP over gRPC; absent means off.'),
      http: switchedOn(httpOptions).describe('OTLP over HTTP, as protobuf and JSON; absent means off.'),
    })
    .refine(({ grpc, http }) => grpc !== undefined || http !== undefined, {
      error: 'must specify at least one protocol when using the OTLP receiver',
    })
    .describe('Which protocols to speak.'),
  max_in_flight_size: byteSizeOption
    .prefault('256MiB')
    .describe('Bytes of all requests in memory at once; beyond it senders are asked to come back.'),
  max_request_spans: z
    .int()
    .positive()
    .max(1_000_000)
    .default(100_000)
    .describe('GenAI spans in one request; they are stored in one transaction, so more get 413.'),
  tenant_limits: z
    .strictObject({
      spans_per_second: z
        .number()
        .nonnegative()
        .default(0)
        .describe('Spans a tenant may send; 0 is no limit.'),
      bytes_per_second: z
        .number()
        .nonnegative()
        .default(0)
        .describe('Bytes a tenant may send; 0 is no limit.'),
    })
    .prefault({})
    .describe('What each tenant may send; beyond it senders get 429 with Retry-After.'),
});
