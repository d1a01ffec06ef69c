import assert from 'node:assert/strict';
import { smallLab, type SmallLab } from './small-sdk.ts';

const USAGE = {
  'gen_ai.usage.input_tokens': 100,
  'gen_ai.usage.output_tokens': 30,
  'gen_ai.usage.cache_read.input_tokens': 60,
  'gen_ai.usage.cache_write.input_tokens': 10,
  'gen_ai.usage.reasoning.output_tokens': 20,
  'gen_ai.usage.audio.input_tokens': 25,
};

const DIMENSIONS = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'small',
  'gen_ai.request.model': 'small-1',
  'server.address': '127.0.0.1',
};

type Points = Awaited<ReturnType<SmallLab['metrics']>>;

/** Sums of one metric by the values of an attribute. */
function sums(points: Points, name: string, attribute: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { attributes, value } of points.get(name) ?? []) {
    found[String(attributes[attribute])] = typeof value === 'number' ? value : (value.sum ?? 0);
  }
  return found;
}

function histogram(points: Points, name: string): { count: number; sum: number; bounds: number[] } {
  const [point, ...others] = points.get(name) ?? [];
  assert.equal(others.length, 0, name);
  assert.ok(point !== undefined && typeof point.value !== 'number', name);
  return { count: point.value.count, sum: point.value.sum ?? 0, bounds: point.value.buckets.boundaries };
}

async function read(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

describe('the metrics of calls', () => {
  let lab: SmallLab;

  afterEach(() => lab.close());

  it('are those of the released conventions where nothing is asked for', async () => {
    lab = smallLab();
    await lab.client.ask({ usage: USAGE });
    await read(lab.client.stream({ answer: 'three words more' }));
    const points = await lab.metrics();
    assert.deepEqual([...points.keys()].toSorted(), [
      'gen_ai.client.operation.duration',
      'gen_ai.client.operation.time_per_output_chunk',
      'gen_ai.client.operation.time_to_first_chunk',
      'gen_ai.client.token.usage',
    ]);
    assert.deepEqual(sums(points, 'gen_ai.client.token.usage', 'gen_ai.token.type'), {
      input: 100,
      output: 32,
    });
    const duration = histogram(points, 'gen_ai.client.operation.duration');
    assert.equal(duration.count, 2);
    assert.deepEqual([duration.bounds[0], duration.bounds.at(-1)], [0.01, 81.92]);
    assert.equal(histogram(points, 'gen_ai.client.operation.time_to_first_chunk').count, 1);
    assert.equal(histogram(points, 'gen_ai.client.operation.time_per_output_chunk').count, 2);
    assert.deepEqual(points.get('gen_ai.client.operation.duration')?.[0]?.attributes, DIMENSIONS);
  });

  it('are those of the latest conventions in their place on request, tokens by kind', async () => {
    lab = smallLab({ OTEL_SEMCONV_STABILITY_OPT_IN: 'http,gen_ai_latest_experimental' });
    await lab.client.ask({ usage: USAGE });
    await read(lab.client.stream({ answer: 'three words more' }));
    await lab.client.embed({ usage: { 'gen_ai.usage.input_tokens': 7 } });
    const points = await lab.metrics();
    assert.ok(!points.has('gen_ai.client.token.usage'));
    const usage = (name: string): Record<string, number> =>
      sums(points, `gen_ai.client.inference.usage.${name}`, 'gen_ai.token.modality');
    const chat = (name: string): number =>
      (points.get(`gen_ai.client.inference.usage.${name}`) ?? [])
        .filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat')
        .reduce((sum, { value }) => sum + Number(value), 0);
    assert.equal(chat('input_tokens'), 100);
    assert.deepEqual(usage('output_tokens'), { unknown: 32 });
    assert.deepEqual(usage('cache_read.input_tokens'), { unknown: 60 });
    assert.deepEqual(usage('cache_write.input_tokens'), { unknown: 10 });
    assert.deepEqual(usage('reasoning.output_tokens'), { unknown: 20 });
    assert.equal(usage('input_tokens')['audio'], 25);
    const perCall = histogram(points, 'gen_ai.client.inference.operation.input_tokens');
    // The stream told no input: a 0, as the conventions ask.
    assert.deepEqual([perCall.count, perCall.sum, perCall.bounds.at(-1)], [2, 100, 67_108_864]);
    assert.equal(histogram(points, 'gen_ai.client.inference.duration').count, 2);
    // What is no inference kept its name.
    assert.equal(histogram(points, 'gen_ai.client.operation.duration').count, 1);
    assert.equal(histogram(points, 'gen_ai.client.inference.time_to_first_chunk').count, 1);
    assert.equal(histogram(points, 'gen_ai.client.inference.time_per_output_chunk').count, 2);
  });

  it('are both with gen_ai/dup, each once, and spans have former names besides', async () => {
    lab = smallLab({ OTEL_SEMCONV_STABILITY_OPT_IN: 'gen_ai/dup' });
    await lab.client.ask({ usage: USAGE });
    await lab.client.embed({ usage: { 'gen_ai.usage.input_tokens': 7 } });
    const points = await lab.metrics();
    assert.deepEqual(
      sums(points, 'gen_ai.client.operation.duration', 'gen_ai.operation.name').chat! > 0,
      true,
    );
    const counts = (points.get('gen_ai.client.operation.duration') ?? []).map(({ value }) =>
      typeof value === 'number' ? 0 : value.count,
    );
    assert.deepEqual(counts, [1, 1]);
    assert.equal(histogram(points, 'gen_ai.client.inference.duration').count, 1);
    const [span] = lab.spans();
    assert.equal(span?.attributes['gen_ai.system'], 'small');
    assert.equal(span?.attributes['gen_ai.provider.name'], 'small');
    assert.equal(span?.attributes['gen_ai.usage.cache_creation.input_tokens'], 10);
  });

  it('name the error of a failed call on what is of the whole call', async () => {
    lab = smallLab({ OTEL_SEMCONV_STABILITY_OPT_IN: 'gen_ai_latest_experimental' });
    await assert.rejects(lab.client.ask({ fail: new RangeError('no') }));
    const points = await lab.metrics();
    for (const name of ['duration', 'operation.input_tokens', 'operation.output_tokens']) {
      const [point] = points.get(`gen_ai.client.inference.${name}`) ?? [];
      assert.equal(point?.attributes['error.type'], 'RangeError', name);
    }
    const [input] = points.get('gen_ai.client.inference.usage.input_tokens') ?? [];
    assert.deepEqual(input?.attributes, { ...DIMENSIONS, 'gen_ai.token.modality': 'unknown' });
    assert.equal(input?.value, 0);
  });

  it('never fall: a count below 0 is not recorded', async () => {
    lab = smallLab();
    await lab.client.ask({ usage: { 'gen_ai.usage.input_tokens': -5, 'gen_ai.usage.output_tokens': 1 } });
    const points = await lab.metrics();
    assert.deepEqual(sums(points, 'gen_ai.client.token.usage', 'gen_ai.token.type'), { output: 1 });
  });
});
