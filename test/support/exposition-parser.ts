import assert from 'node:assert/strict';

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar: string | null;
}

export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: ParsedSample[];
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['', '_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

/** Reads `{a="b",…}` from `at`; gives the labels and the position after the brace. */
function parseLabels(line: string, at: number): [Record<string, string>, number] {
  const labels: Record<string, string> = {};
  const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|\})/y;
  pair.lastIndex = at + 1;
  for (;;) {
    const match = pair.exec(line);
    assert.ok(match, `labels cannot be read: ${line}`);
    const [, name = '', raw = '', end] = match;
    assert.ok(!(name in labels), `label ${name} twice: ${line}`);
    labels[name] = raw.replace(/\\([\\"n])/g, (_, one: string) => (one === 'n' ? '\n' : one));
    if (end === '}') return [labels, pair.lastIndex];
  }
}

function parseSample(line: string): ParsedSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  assert.ok(name, `no metric name: ${line}`);
  const [labels, after] = line[name.length] === '{' ? parseLabels(line, name.length) : [{}, name.length];
  const match = /^ (\S+)(?: # (\{.*\} \S+(?: \S+)?))?$/.exec(line.slice(after));
  assert.ok(match, `no value: ${line}`);
  const text = match[1]!;
  const value = text === '+Inf' ? Infinity : Number(text);
  assert.ok(!Number.isNaN(value), `not a number: ${line}`);
  return { name, labels, value, exemplar: match[2] ?? null };
}

function checkHistogram({ name, samples }: ParsedFamily): void {
  const byLabels = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _, ...rest } = sample.labels;
    const key = JSON.stringify(rest);
    byLabels.set(key, [...(byLabels.get(key) ?? []), sample]);
  }
  for (const [labels, series] of byLabels) {
    const buckets = series.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map((one) => Number(one.labels['le']!.replace('+Inf', 'Infinity')));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `bounds not in order: ${labels}`,
    );
    assert.equal(bounds.at(-1), Infinity, `no +Inf bucket: ${labels}`);
    buckets.forEach((one, index) => {
      assert.ok(index === 0 || one.value >= buckets[index - 1]!.value, `buckets not cumulative: ${labels}`);
    });
    const count = series.find((one) => one.name === `${name}_count`);
    assert.equal(count?.value, buckets.at(-1)!.value, `count is not the last bucket: ${labels}`);
    assert.ok(
      series.some((one) => one.name === `${name}_sum`),
      `no sum: ${labels}`,
    );
  }
}

/**
 * A strict reader of the Prometheus text format 0.0.4, and of OpenMetrics 1.0 as far as we write it. Throws an
 * assertion error on anything that a scrape would refuse, and on what only a lenient one would take.
 */
export function parseExposition(
  text: string,
  format: 'text' | 'openmetrics' = 'text',
): Map<string, ParsedFamily> {
  assert.ok(text.endsWith('\n'), 'the last line is not ended');
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let current: ParsedFamily | null = null;
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics') assert.equal(lines.pop(), '# EOF');
  for (const [index, line] of lines.entries()) {
    if (line === '') {
      assert.equal(format, 'text', 'an empty line in OpenMetrics');
      continue;
    }
    if (line.startsWith('# HELP ')) {
      const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(lines[index + 1] ?? '');
      assert.ok(type, `no TYPE after HELP: ${line}`);
      assert.equal(type[1], name);
      assert.ok(!families.has(name), `family ${name} twice`);
      current = { name, help, type: type[2]!, samples: [] };
      families.set(name, current);
      continue;
    }
    if (line.startsWith('#')) {
      assert.match(line, /^# TYPE /);
      continue;
    }
    const sample = parseSample(line);
    assert.ok(current, `a sample before its family: ${line}`);
    const suffix = sample.name.slice(current.name.length);
    assert.ok(
      sample.name.startsWith(current.name) && SUFFIXES[current.type]!.includes(suffix),
      `${sample.name} does not belong to ${current.name}`,
    );
    if (format === 'openmetrics' && current.type === 'counter') assert.equal(suffix, '_total');
    if (sample.exemplar !== null) assert.equal(format, 'openmetrics');
    const names = Object.keys(sample.labels).toSorted((a, b) => (a < b ? -1 : 1));
    const key = JSON.stringify([sample.name, names.map((name) => [name, sample.labels[name]])]);
    assert.ok(!seen.has(key), `series twice: ${line}`);
    seen.add(key);
    current.samples.push(sample);
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

/** The value of the one series with these labels among others; fails where there are none or several. */
export function valueOf(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = [...families.values()]
    .flatMap((family) => family.samples)
    .filter(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    );
  assert.equal(found.length, 1, `${found.length} series ${name} with ${JSON.stringify(labels)}`);
  return found[0]!.value;
}

/** The sum over all series of a family with these labels among others. */
export function sumOf(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return (families.get(name)?.samples ?? [])
    .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, one) => sum + one.value, 0);
}
