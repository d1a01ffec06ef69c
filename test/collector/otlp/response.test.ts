import assert from 'node:assert/strict';
import {
  countItems,
  countJsonItems,
  encodeExportResponse,
  encodeStatus,
} from '@spanmeter/collector/dist/otlp/response.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { decode, encode } from './oracle.ts';

const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'));
const SIGNALS = [
  ['traces', 'ExportTraceServiceResponse', 'rejectedSpans'],
  ['metrics', 'ExportMetricsServiceResponse', 'rejectedDataPoints'],
  ['logs', 'ExportLogsServiceResponse', 'rejectedLogRecords'],
] as const;

describe('the answer to an export', () => {
  for (const [signal, type, name] of SIGNALS) {
    it(`is an empty message after full success for ${signal}`, () => {
      assert.equal(encodeExportResponse('protobuf', signal, 0, '').length, 0);
      assert.deepEqual(json(encodeExportResponse('json', signal, 0, '')), {});
    });

    it(`carries rejected items and why for ${signal}`, () => {
      const partialSuccess = { [name]: '300', errorMessage: 'why – ünïcode' };
      assert.deepEqual(decode(type, encodeExportResponse('protobuf', signal, 300, 'why – ünïcode')), {
        partialSuccess,
      });
      assert.deepEqual(json(encodeExportResponse('json', signal, 300, 'why – ünïcode')), { partialSuccess });
    });
  }

  it('is a warning with a message alone', () => {
    const expected = { partialSuccess: { errorMessage: 'careful' } };
    assert.deepEqual(
      decode('ExportTraceServiceResponse', encodeExportResponse('protobuf', 'traces', 0, 'careful')),
      expected,
    );
    assert.deepEqual(json(encodeExportResponse('json', 'traces', 0, 'careful')), expected);
  });

  it('cuts long messages between characters at 1 KiB', () => {
    for (const shift of ['', 'a', 'ab', 'abc']) {
      const body = encodeExportResponse('protobuf', 'traces', 1, shift + '🎉'.repeat(1000));
      const { errorMessage } = decode('ExportTraceServiceResponse', body)['partialSuccess'] as {
        errorMessage: string;
      };
      assert.ok(Buffer.byteLength(errorMessage) <= 1024 && Buffer.byteLength(errorMessage) > 1016);
      assert.match(errorMessage, /^[abc]*(?:🎉)+…$/u);
    }
  });
});

describe('the status of a refusal', () => {
  it('carries code and message', () => {
    assert.deepEqual(decode('RpcStatus', encodeStatus('protobuf', 3, 'bad')), { code: 3, message: 'bad' });
    assert.deepEqual(json(encodeStatus('json', 3, 'bad')), { code: 3, message: 'bad' });
  });

  it('carries RetryInfo when the sender may try again', () => {
    const typeUrl = 'type.googleapis.com/google.rpc.RetryInfo';
    const status = decode('RpcStatus', encodeStatus('protobuf', 14, 'later', 1500)) as {
      details: { typeUrl: string; value: string }[];
    };
    assert.equal(status.details[0]!.typeUrl, typeUrl);
    const info = decode('RetryInfo', Buffer.from(status.details[0]!.value.slice(4), 'hex'));
    assert.deepEqual(info, { retryDelay: { seconds: '1', nanos: 500_000_000 } });
    assert.deepEqual(json(encodeStatus('json', 14, 'later', 1500)), {
      code: 14,
      message: 'later',
      details: [{ '@type': typeUrl, retryDelay: '1.5s' }],
    });
    assert.match(Buffer.from(encodeStatus('json', 8, 'later', 0)).toString(), /"retryDelay":"0s"/);
  });
});

describe('counting what is not stored', () => {
  const point = { timeUnixNano: '1' };
  const metrics = {
    resourceMetrics: [
      { resource: { attributes: [{ key: 'a' }] } },
      {
        scopeMetrics: [
          {
            scope: { name: 'x' },
            metrics: [
              { name: 'a', gauge: { dataPoints: [point, point] } },
              { name: 'b', sum: { dataPoints: [point], isMonotonic: true } },
              { name: 'c', histogram: { dataPoints: [point] } },
              { name: 'd', exponentialHistogram: { dataPoints: [point] } },
              { name: 'e', summary: { dataPoints: [point] } },
              { name: 'f' },
            ],
          },
        ],
      },
    ],
  };
  const logs = {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityText: 'a' }, {}] }, { logRecords: [{}] }] }],
  };

  it('counts the data points of every kind of metric, as protobuf and as JSON', () => {
    assert.equal(countItems('metrics', encode('ExportMetricsServiceRequest', metrics)), 6);
    assert.equal(countJsonItems('metrics', Buffer.from(JSON.stringify(metrics))), 6);
  });

  it('counts log records, as protobuf and as JSON', () => {
    assert.equal(countItems('logs', encode('ExportLogsServiceRequest', logs)), 3);
    assert.equal(countJsonItems('logs', Buffer.from(JSON.stringify(logs))), 3);
  });

  it('refuses garbage and takes empty requests', () => {
    assert.equal(countItems('logs', new Uint8Array(0)), 0);
    assert.equal(countJsonItems('logs', Buffer.from('{}')), 0);
    assert.equal(
      countJsonItems('metrics', Buffer.from('{"resourceMetrics":[null,1,{"scopeMetrics":"x"}]}')),
      0,
    );
    const refuses = (call: () => unknown): void =>
      assert.throws(call, (error: Error) => error instanceof Refusal && error.code === 'invalid');
    refuses(() => countItems('metrics', Buffer.from('not protobuf')));
    refuses(() => countItems('metrics', Buffer.from('0801', 'hex')));
    refuses(() => countJsonItems('logs', Buffer.from('{')));
    refuses(() => countJsonItems('logs', Buffer.from('[]')));
  });
});
