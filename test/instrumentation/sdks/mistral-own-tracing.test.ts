import assert from 'node:assert/strict';
import { startMistralStandIn } from '../../support/provider/index.ts';
import { runSdk } from '../../support/sdk-run.ts';
import { startSink, type SinkSpan } from '../otlp-sink.ts';

const TOLD_BOTH_WAYS = ['conversation', 'agent', 'ocr'];
const TOLD_BY_SDK = ['plain', 'stream', 'fim', 'embeddings', 'rateLimited'];

async function spansOfTraced(): Promise<readonly SinkSpan[]> {
  const [standIn, sink] = await Promise.all([startMistralStandIn(), startSink()]);
  try {
    const { code, stderr } = await runSdk({
      set: 'vendors-current',
      driver: 'mistral',
      format: 'esm',
      standIn,
      scenarios: [...TOLD_BY_SDK, ...TOLD_BOTH_WAYS],
      nodeOptions: ['--import', '@spanmeter/instrumentation/register'],
      env: {
        MISTRAL_SDK_TELEMETRY: 'global',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      },
    });
    assert.equal(code, 0, stderr);
    return sink.spans;
  } finally {
    await Promise.all([standIn.close(), sink.close()]);
  }
}

describe('a Mistral client that traces itself into the app', function () {
  this.timeout(300_000);
  let spans: readonly SinkSpan[];
  before(async () => {
    spans = await spansOfTraced();
  });

  const of = (scenario: string): readonly SinkSpan[] =>
    spans.filter(({ attributes }) => attributes['spanmeter.feature'] === scenario);

  it('keeps its spans of requests to models, and gets no second ones', () => {
    for (const scenario of TOLD_BY_SDK) {
      assert.deepEqual(
        of(scenario).map(({ scope }) => scope),
        ['mistralai_sdk_tracer'],
        scenario,
      );
    }
    assert.equal(of('plain')[0]?.attributes['gen_ai.usage.input_tokens'], 1450);
  });

  it('gets spans of ours for what its own do not tell the price of', () => {
    for (const scenario of TOLD_BOTH_WAYS) {
      const [ours, ...more] = of(scenario).filter(({ scope }) => scope === '@spanmeter/instrumentation');
      assert.ok(ours !== undefined && more.length === 0, scenario);
    }
  });
});
