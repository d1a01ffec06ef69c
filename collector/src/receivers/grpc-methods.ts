import type { MethodDefinition } from '@grpc/grpc-js';

/** Messages stay bytes: what they mean is read once, behind the receiver. */
function asBuffer(message: Buffer): Buffer {
  return message;
}

function method(path: string, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: asBuffer,
    requestDeserialize: asBuffer,
    responseSerialize: asBuffer,
    responseDeserialize: asBuffer,
  };
}

const COLLECTOR = 'opentelemetry.proto.collector';

/** Full names of the three OTLP services, as the health service knows them too. */
export const OTLP_SERVICES: Readonly<Record<'traces' | 'metrics' | 'logs', string>> = {
  traces: `${COLLECTOR}.trace.v1.TraceService`,
  metrics: `${COLLECTOR}.metrics.v1.MetricsService`,
  logs: `${COLLECTOR}.logs.v1.LogsService`,
};

/** An Export method of OTLP; its path is its name here too. */
export function exportMethod(service: string): MethodDefinition<Buffer, Buffer> {
  return method(`/${service}/Export`, false);
}

export const HEALTH_CHECK: MethodDefinition<Buffer, Buffer> = method('/grpc.health.v1.Health/Check', false);
export const HEALTH_WATCH: MethodDefinition<Buffer, Buffer> = method('/grpc.health.v1.Health/Watch', true);
