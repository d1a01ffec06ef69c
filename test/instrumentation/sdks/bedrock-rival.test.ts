import assert from 'node:assert/strict';
import type { AttributeValue } from '@spanmeter/processors';
import { process, spanOf } from '../../processors/spans.ts';
import { startBedrockStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { countsOfRequests, NO_COUNTS } from '../../support/sdk-counts.ts';
import type { SinkSpan } from '../otlp-sink.ts';

const RIVAL = '@opentelemetry/instrumentation-aws-sdk';
const OURS = '@spanmeter/instrumentation';

/** What both say together is no sum that anybody pays; the collector's decision is looked at below. */
const both = (input: number, output: number): Expected => ({
  usage: { input, output, cacheRead: 1000, cacheWrite: 370 },
});

const EXPECTED: Readonly<Record<string, Expected>> = {
  plain: both(1820 + 450, 360),
  stream: both(1820 + 450, 360),
  break: { usage: {} },
  invoke: both(1820 + 450, 360),
  // The rival takes the placeholder of the first event for the output.
  invokeStream: both(1820 + 450, 180 + 1),
};

/** The spans of a scenario as the collector decides on them. */
function decided(spans: readonly SinkSpan[]): ReturnType<typeof process> {
  return process(
    spans.map((span) =>
      spanOf(span.attributes as Readonly<Record<string, AttributeValue>>, {
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? null,
        name: span.name,
        kind: span.kind,
        statusCode: span.statusCode,
        scope: { name: span.scope, version: '1.0.0' },
      }),
    ),
  );
}

function declareOnce(proof: Proof): void {
  it('marks the span of the other instrumentation, inside of ours, and changes nothing else of it', () => {
    for (const scenario of Object.keys(proof.run.outcomes)) {
      const spans = proof.run.spansOf(scenario);
      const ours = spans.find(({ scope }) => scope === OURS);
      const rival = spans.find(({ scope }) => scope === RIVAL);
      assert.equal(rival?.attributes['spanmeter.told_above'], true, scenario);
      assert.equal(rival?.parentSpanId, ours?.spanId, scenario);
      assert.equal(ours?.attributes['spanmeter.told_above'], undefined, scenario);
      const added = Object.keys(rival?.attributes ?? {}).filter((name) => name.startsWith('spanmeter.'));
      assert.deepEqual(added, ['spanmeter.feature', 'spanmeter.told_above'], scenario);
    }
  });

  it('bills each call once, with its cached tokens', () => {
    for (const scenario of ['plain', 'stream', 'invoke', 'invokeStream']) {
      const calls = decided(proof.run.spansOf(scenario)).filter((call) => call !== null);
      const billed = calls.filter(({ costStatus }) => costStatus === 'priced');
      assert.deepEqual(
        calls.map(({ costStatus }) => costStatus).toSorted((a, b) => (a < b ? -1 : 1)),
        ['not_billable', 'priced'],
        scenario,
      );
      const { input, output, cacheRead, cacheWrite } = countsOfRequests(proof.run.requestsOf(scenario));
      const [call] = billed;
      assert.deepEqual(
        [call?.inputTokens, call?.outputTokens, call?.cacheReadTokens, call?.cacheWriteTokens],
        [input, output, cacheRead, cacheWrite],
        scenario,
      );
      assert.deepEqual([call?.provider, call?.conditions.region], ['aws.bedrock', 'eu-west-1'], scenario);
      assert.ok((call?.costPicoUsd ?? 0n) > 0n, scenario);
    }
    assert.notDeepEqual(countsOfRequests(proof.run.requestsOf('plain')), NO_COUNTS);
  });
}

provenSdk(
  {
    sdk: 'bedrock-rival',
    set: 'bedrock-rival',
    wire: startBedrockStandIn,
    formats: ['cjs'],
    env: { NODE_NO_WARNINGS: '1' },
    expect: EXPECTED,
    secrets: [],
  },
  declareOnce,
);
