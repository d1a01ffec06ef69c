import assert from 'node:assert/strict';
import { METRIC_CATALOGUE, METRIC_NAMES } from '@spanmeter/processors';

describe('the metric catalogue', () => {
  it('has every name once, in the form that Prometheus asks for', () => {
    const names = METRIC_CATALOGUE.map((metric) => metric.name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(names.toSorted(), METRIC_NAMES.toSorted());
    for (const metric of METRIC_CATALOGUE) {
      assert.match(metric.name, /^(genai|spanmeter)_[a-z0-9_]+$/);
      assert.equal(metric.name.endsWith('_total'), metric.type === 'counter', metric.name);
      assert.equal(metric.buckets !== undefined, metric.type === 'histogram', metric.name);
      assert.ok(metric.help.endsWith('.'), metric.name);
    }
  });

  it('never labels by user, session or trace', () => {
    for (const metric of METRIC_CATALOGUE) {
      for (const label of [...metric.labels, ...(metric.optionalLabels ?? [])]) {
        assert.doesNotMatch(label, /user|session|trace|^service$/, metric.name);
      }
    }
  });

  it('has durations from 10 ms doubling to 655.36 s', () => {
    const buckets = METRIC_CATALOGUE.find((metric) => metric.name === 'genai_call_duration_seconds')?.buckets;
    assert.equal(buckets?.length, 17);
    assert.equal(buckets[0], 0.01);
    assert.equal(buckets[16], 655.36);
  });
});
