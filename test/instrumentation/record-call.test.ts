import assert from 'node:assert/strict';
import { ROOT_CONTEXT, context, createContextKey } from '@opentelemetry/api';
import { TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-node';
import { metered, recordCall, withAttribution } from '@spanmeter/instrumentation';
import { globalLab, type GlobalLab } from './global-lab.ts';

describe('a recorded call', () => {
  let lab: GlobalLab;

  beforeEach(() => {
    lab = globalLab();
  });

  afterEach(() => lab.close());

  it('has every figure that is known under its own name, and none that is not', () => {
    recordCall({
      provider: 'mine',
      model: 'm1',
      responseModel: 'm1-2026',
      responseId: 'r1',
      finishReasons: ['stop'],
      inputTokens: 100,
      outputTokens: 40,
      cacheReadTokens: 30,
      cacheWriteTokens: 20,
      cacheWrite5mTokens: 15,
      cacheWrite1hTokens: 5,
      reasoningTokens: 10,
      inputAudioTokens: 4,
      outputAudioTokens: 3,
      cacheReadAudioTokens: 2,
      inputImageTokens: 6,
      outputImageTokens: 1,
      audioSeconds: 2.5,
      images: 2,
      requests: 1,
      billedCharacters: 500,
      webSearchRequests: 3,
      // Ignored: the tokens are known.
      inputCharacters: 999,
      serviceTier: 'flex',
      costUsd: 0.25,
      region: 'eu-west-1',
      serverAddress: 'llm.example.com',
      serverPort: 8443,
      streaming: true,
      timeToFirstChunkMs: 250,
      attributes: { 'gen_ai.conversation.id': 'c1' },
    });
    const [span] = lab.spans();
    assert.equal(span?.name, 'chat m1');
    assert.deepEqual(span.attributes, {
      'gen_ai.conversation.id': 'c1',
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'mine',
      'gen_ai.request.model': 'm1',
      'gen_ai.request.stream': true,
      'server.address': 'llm.example.com',
      'server.port': 8443,
      'cloud.region': 'eu-west-1',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 40,
      'gen_ai.usage.cache_read.input_tokens': 30,
      'gen_ai.usage.cache_write.input_tokens': 20,
      'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 15,
      'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 5,
      'gen_ai.usage.reasoning.output_tokens': 10,
      'gen_ai.usage.audio.input_tokens': 4,
      'gen_ai.usage.audio.output_tokens': 3,
      'gen_ai.usage.audio.cache_read.input_tokens': 2,
      'gen_ai.usage.image.input_tokens': 6,
      'gen_ai.usage.image.output_tokens': 1,
      'spanmeter.usage.audio_seconds': 2.5,
      'spanmeter.usage.images': 2,
      'spanmeter.usage.requests': 1,
      'spanmeter.usage.input_characters': 500,
      'spanmeter.usage.web_search_requests': 3,
      'gen_ai.usage.cost': 0.25,
      'gen_ai.response.model': 'm1-2026',
      'gen_ai.response.id': 'r1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.service_tier': 'flex',
      'gen_ai.response.time_to_first_chunk': 0.25,
    });
  });

  it('is in the metrics, with its duration where it has a start', async () => {
    recordCall({ provider: 'mine', model: 'm1', inputTokens: 7, outputTokens: 2 });
    recordCall({
      provider: 'mine',
      model: 'm1',
      inputTokens: 7,
      startTime: new Date(1_000_000),
      endTime: [1_002, 500_000_000],
      errorType: 'Timeout',
    });
    const points = await lab.metrics();
    const durations = points.get('gen_ai.client.operation.duration') ?? [];
    assert.equal(durations.length, 1);
    const [duration] = durations;
    assert.ok(duration !== undefined && typeof duration.value !== 'number');
    assert.equal(duration.value.sum, 2.5);
    assert.equal(duration.attributes['error.type'], 'Timeout');
    const tokens = (points.get('gen_ai.client.token.usage') ?? []).map(({ attributes, value }) => [
      attributes['gen_ai.token.type'],
      typeof value === 'number' ? value : value.sum,
    ]);
    assert.deepEqual(Object.fromEntries(tokens), { input: 14, output: 2 });
    assert.equal(lab.spans()[1]?.status.code, 2);
    assert.deepEqual(lab.spans()[1]?.duration, [2, 500_000_000]);
  });

  it('leaves out figures that cannot be, and is attributed as its surroundings are', () => {
    withAttribution({ tenant: 'acme', user: 'u1' }, () =>
      recordCall({
        provider: 'mine',
        model: 'm1',
        inputTokens: -1,
        outputTokens: Number.NaN,
        images: '3' as unknown as number,
        outputCharacters: 12,
        attribution: { user: 'u2' },
      }),
    );
    assert.deepEqual(lab.spans()[0]?.attributes, {
      'tenant.id': 'acme',
      'user.id': 'u2',
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'mine',
      'gen_ai.request.model': 'm1',
      'spanmeter.usage.estimate.output_characters': 12,
    });
  });

  it('is told in place of the metered function that it is recorded in', async () => {
    const usage = { inputTokens: 120, outputTokens: 40 };
    const ask = metered({ provider: 'mine', model: 'm1', usage: () => usage }, async () => {
      recordCall({ provider: 'mine', model: 'm1', ...usage });
    });
    await ask();
    const other = metered({ provider: 'mine', model: 'm1', usage: () => usage }, async () => {
      recordCall({ provider: 'mine', model: 'e1', operation: 'embeddings', inputTokens: 7 });
    });
    await other();
    assert.deepEqual(
      lab.spans().map(({ name, attributes }) => [name, attributes['gen_ai.usage.input_tokens']]),
      [
        ['chat m1', 120],
        ['embeddings e1', 7],
        ['chat m1', 120],
      ],
    );
  });

  it('is not told where tracing is suppressed', async () => {
    const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
    context.with(ROOT_CONTEXT.setValue(suppressed, true), () =>
      recordCall({ provider: 'mine', model: 'm1' }),
    );
    assert.equal(lab.spans().length, 0);
    assert.equal((await lab.metrics()).size, 0);
  });

  it('says which part of all traces is kept, as a metered one does', async () => {
    await lab.close();
    lab = globalLab(new TraceIdRatioBasedSampler(0.9999999));
    recordCall({ provider: 'mine', model: 'm1' });
    metered({ provider: 'mine', model: 'm1' }, () => 1)();
    assert.deepEqual(
      lab.spans().map(({ attributes }) => attributes['spanmeter.sampling.ratio']),
      [0.9999999, 0.9999999],
    );
  });
});
