/** The value in the middle; 0 of nothing. Does not change its input. */
export function median(values: Iterable<number>): number {
  return quantile(values, 0.5);
}

/** The value that a share `part` (0..1) of the values is below, between neighbours by proportion; 0 of nothing. */
export function quantile(values: Iterable<number>, part: number): number {
  const sorted = Float64Array.from(values).toSorted();
  const at = Math.min(Math.max(part, 0), 1) * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return below + (above - below) * (at - Math.floor(at));
}

/** 0 of nothing. */
export function mean(values: Float64Array): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

/** In the order of the values. */
export function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
