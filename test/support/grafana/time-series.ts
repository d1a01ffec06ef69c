import type { Field, Frame } from '@spanmeter/dashboards/dist/preview/frame.js';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * What Grafana makes of a `time_series` answer: text columns become labels, and every combination of them a
 * column of its own. Throws, as Grafana says no data, where there is no time column or the times go back.
 */
export function asTimeSeries(frame: Frame): Frame {
  const time = frame.fields.find(({ type, name }) => type === 'time' || name === 'time');
  if (time === undefined) throw new Error('a time series needs a column "time"');
  const rest = frame.fields.filter((field) => field !== time);
  const texts = rest.filter(({ type }) => type === 'string');
  const numbers = rest.filter(({ type }) => type === 'number');
  if (numbers.length === 0) throw new Error('a time series needs a number');
  const times = time.values as readonly number[];
  times.forEach((at, row) => {
    if (row > 0 && at < times[row - 1]!) throw new Error('the times of a time series must not go back');
  });
  const axis = [...new Set(times)];
  if (texts.length === 0) return { ...frame, fields: [{ ...time, name: 'time', type: 'time' }, ...numbers] };
  const rowOf = new Map(axis.map((at, row) => [at, row]));
  const series = new Map<string, Field & { values: unknown[] }>();
  for (const [row, at] of times.entries()) {
    const labels = Object.fromEntries(texts.map(({ name, values }) => [name, textOf(values[row])]));
    for (const { name, values } of numbers) {
      const key = JSON.stringify([name, labels]);
      let one = series.get(key);
      if (one === undefined) {
        const onlyLabel =
          Object.keys(labels).length === 1 && 'metric' in labels ? labels['metric'] : undefined;
        one = {
          name,
          type: 'number',
          labels,
          values: axis.map(() => null),
          ...(onlyLabel !== undefined && { legend: onlyLabel }),
        };
        series.set(key, one);
      }
      one.values[rowOf.get(at)!] = values[row];
    }
  }
  return { ...frame, fields: [{ name: 'time', type: 'time', values: axis }, ...series.values()] };
}
