import { OtlpRecords } from './records.ts';
import { createDoor } from '@spanmeter/collector/dist/pipeline/door.js';
import type { Door, DoorOptions } from '@spanmeter/collector/dist/pipeline/door.js';
import type { Authenticator } from '@spanmeter/collector/dist/pipeline/identity.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import { tracesJsonToProtobuf } from '@spanmeter/collector/dist/otlp/json.js';
import { createOtlpReceiver, otlpReceiver } from '@spanmeter/collector/dist/receivers/otlp.js';
import type { OtlpReceiver } from '@spanmeter/collector/dist/receivers/otlp.js';
import { CountedMetrics } from './counted-metrics.ts';

export interface Harness {
  readonly door: Door;
  readonly receiver: OtlpReceiver;
  readonly records: OtlpRecords;
  readonly metrics: CountedMetrics;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly grpcAddress: string;
  stop(): Promise<void>;
}

export interface HarnessSettings {
  /** Under `protocols::http`. */
  readonly http?: Record<string, unknown>;
  readonly grpc?: Record<string, unknown>;
  /** Beside `protocols`. */
  readonly options?: Record<string, unknown>;
  readonly door?: Partial<DoorOptions>;
  readonly authenticator?: Authenticator | null;
  readonly serving?: () => boolean;
}

export function testDoor(
  records: OtlpRecords,
  metrics: CountedMetrics,
  changes: Partial<DoorOptions> = {},
): Door {
  return createDoor({
    append: (record) => records.append(record),
    keep: 'gen_ai',
    keyPrefixes: ['gen_ai.'],
    maxBodyBytes: 64 * 1024 * 1024,
    limits: { spansPerSecond: 0, bytesPerSecond: 0 },
    metrics,
    log: SILENT_LOG,
    scan: scanTraces,
    toProtobuf: tracesJsonToProtobuf,
    ...changes,
  });
}

/** A receiver on free ports whose journal is a list in memory. */
export async function startReceiver(settings: HarnessSettings = {}): Promise<Harness> {
  const records = new OtlpRecords();
  const metrics = new CountedMetrics();
  const door = testDoor(records, metrics, settings.door);
  const options = otlpReceiver.options.parse({
    protocols: {
      http: { endpoint: '127.0.0.1:0', ...settings.http },
      grpc: { endpoint: '127.0.0.1:0', ...settings.grpc },
    },
    ...settings.options,
  });
  const receiver = createOtlpReceiver(options, {
    host: { id: 'otlp', log: SILENT_LOG, metrics },
    door,
    authenticator: settings.authenticator ?? null,
    ...(settings.serving === undefined ? {} : { serving: settings.serving }),
  });
  await receiver.start();
  return {
    door,
    receiver,
    records,
    metrics,
    url: `http://127.0.0.1:${receiver.httpPort}`,
    grpcAddress: `127.0.0.1:${receiver.grpcPort}`,
    stop: () => receiver.stop(AbortSignal.timeout(5000)),
  };
}

/** Knows the keys `sm_good`, `sm_read` and `sm_gateway`; cannot ask its store about `sm_unknown`. */
export const AUTHENTICATOR: Authenticator = {
  async authenticate(header) {
    const key = header('x-api-key') ?? header('authorization')?.replace(/^Bearer /, '');
    if (key === undefined) throw new Refusal('unauthenticated', 'no API key');
    if (key === 'sm_good') return { role: 'ingest', tenant: 'acme', team: 'core', keyId: 'k1' };
    if (key === 'sm_read') return { role: 'read', tenant: 'acme', team: null, keyId: 'k2' };
    if (key === 'sm_gateway') return { role: 'gateway', tenant: null, team: null, keyId: 'k3' };
    if (key === 'sm_unknown')
      throw new Refusal('unavailable', 'the key store is away', { retryAfterMs: 2500 });
    throw new Refusal('unauthenticated', 'this API key is not valid');
  },
};
