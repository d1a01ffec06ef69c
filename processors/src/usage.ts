import type { Usage, UsageBucket } from './call.ts';

/** Counts as an emitter gives them; null where it gives none. Parts are parts of a total unless said otherwise. */
export interface EmittedCounts {
  input: number | null;
  output: number | null;
  cacheRead: number | null;
  cacheWrite: number | null;
  cacheWrite5m: number | null;
  cacheWrite1h: number | null;
  reasoning: number | null;
  inputAudio: number | null;
  outputAudio: number | null;
  cacheReadAudio: number | null;
  inputImage: number | null;
  outputImage: number | null;
}

/** What the emitter's totals include. */
export interface Inclusion {
  readonly inputIncludesCached: boolean;
  readonly outputIncludesReasoning: boolean;
  /** Whether counts that contradict `inputIncludesCached` prove the opposite, or make the usage invalid. */
  readonly inferExclusiveInput: boolean;
  readonly inferExclusiveOutput: boolean;
}

/** Disjoint buckets and the totals they add up to. */
export interface CountedUsage {
  readonly usage: Usage;
  /** Input with everything cached, output with reasoning; null where unknown. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  /** `invalid_usage`: the counts contradict each other. `unpriced_dimension`: how they overlap is unknown. */
  readonly fault: 'invalid_usage' | 'unpriced_dimension' | null;
}

type Buckets = Partial<Record<UsageBucket, string>>;

const NOTHING: EmittedCounts = {
  input: null,
  output: null,
  cacheRead: null,
  cacheWrite: null,
  cacheWrite5m: null,
  cacheWrite1h: null,
  reasoning: null,
  inputAudio: null,
  outputAudio: null,
  cacheReadAudio: null,
  inputImage: null,
  outputImage: null,
};

/** No counts at all, as a fresh object. */
export function noCounts(): EmittedCounts {
  return { ...NOTHING };
}

function put(buckets: Buckets, bucket: UsageBucket, count: number): void {
  if (count > 0) buckets[bucket] = String(count);
}

interface CacheWrites {
  readonly fiveMinutes: number;
  readonly oneHour: number;
}

/** Splits the cache writes by lifetime; what no split names lives five minutes. Null where it does not add up. */
function splitWrites(counts: EmittedCounts): CacheWrites | null {
  const oneHour = counts.cacheWrite1h ?? 0;
  const split = (counts.cacheWrite5m ?? 0) + oneHour;
  if (counts.cacheWrite === null) return { fiveMinutes: counts.cacheWrite5m ?? 0, oneHour };
  return split > counts.cacheWrite ? null : { fiveMinutes: counts.cacheWrite - oneHour, oneHour };
}

interface Overlap {
  /** Cached audio and cached images. */
  readonly audio: number;
  readonly image: number;
  readonly certain: boolean;
}

/**
 * How many cached tokens are audio or images. Totals bound it from below and above; where the bounds meet it
 * is certain. Null where no overlap can make the counts add up.
 */
function cachedOverlap(counts: EmittedCounts, total: number, writes: number): Overlap | null {
  const cached = counts.cacheRead ?? 0;
  const audio = counts.inputAudio ?? 0;
  const image = counts.inputImage ?? 0;
  const needed = Math.max(0, cached + writes + audio + image - total);
  const mostAudio = Math.min(audio, cached);
  const mostImage = Math.min(image, cached);
  if (needed > Math.min(cached, mostAudio + mostImage)) return null;
  if (counts.cacheReadAudio !== null) {
    const known = counts.cacheReadAudio;
    const leastImage = Math.max(0, needed - known);
    const topImage = Math.min(mostImage, cached - known);
    if (known > mostAudio || leastImage > topImage) return null;
    return { audio: known, image: leastImage, certain: leastImage === topImage && leastImage === 0 };
  }
  if (mostImage === 0) return { audio: needed, image: 0, certain: needed === mostAudio };
  const fromAudio = Math.min(needed, mostAudio);
  return { audio: fromAudio, image: needed - fromAudio, certain: false };
}

interface Side {
  readonly total: number | null;
  readonly fault: CountedUsage['fault'];
}

function countInput(counts: EmittedCounts, inclusion: Inclusion, writes: CacheWrites, into: Buckets): Side {
  const cached = counts.cacheRead ?? 0;
  const written = writes.fiveMinutes + writes.oneHour;
  const given = counts.input;
  if (given === null) {
    put(into, 'cache_read', cached);
    put(into, 'cache_write_5m', writes.fiveMinutes);
    put(into, 'cache_write_1h', writes.oneHour);
    put(into, 'input_audio', counts.inputAudio ?? 0);
    put(into, 'input_image', counts.inputImage ?? 0);
    return { total: null, fault: null };
  }
  const contradiction = cached + written > given;
  if (contradiction && inclusion.inputIncludesCached && !inclusion.inferExclusiveInput) {
    return { total: given, fault: 'invalid_usage' };
  }
  const inclusive = inclusion.inputIncludesCached && !contradiction;
  const total = inclusive ? given : given + cached + written;
  if (!Number.isSafeInteger(total)) return { total: null, fault: 'invalid_usage' };
  const overlap = cachedOverlap(counts, total, written);
  if (overlap === null) return { total, fault: 'invalid_usage' };
  const audio = (counts.inputAudio ?? 0) - overlap.audio;
  const image = (counts.inputImage ?? 0) - overlap.image;
  into.input = String(total - cached - written - audio - image);
  put(into, 'cache_read', cached - overlap.audio);
  put(into, 'cache_read_audio', overlap.audio);
  put(into, 'cache_write_5m', writes.fiveMinutes);
  put(into, 'cache_write_1h', writes.oneHour);
  put(into, 'input_audio', audio);
  put(into, 'input_image', image);
  return { total, fault: overlap.certain ? null : 'unpriced_dimension' };
}

function countOutput(counts: EmittedCounts, inclusion: Inclusion, into: Buckets): Side {
  const reasoning = counts.reasoning ?? 0;
  const audio = counts.outputAudio ?? 0;
  const image = counts.outputImage ?? 0;
  if (counts.output === null) {
    put(into, 'reasoning', reasoning);
    put(into, 'output_audio', audio);
    put(into, 'output_image', image);
    return { total: null, fault: null };
  }
  const exclusive =
    !inclusion.outputIncludesReasoning || (reasoning > counts.output && inclusion.inferExclusiveOutput);
  const total = exclusive ? counts.output + reasoning : counts.output;
  const text = total - reasoning - audio - image;
  if (!Number.isSafeInteger(total) || text < 0) return { total: counts.output, fault: 'invalid_usage' };
  into.output = String(text);
  put(into, 'reasoning', reasoning);
  put(into, 'output_audio', audio);
  put(into, 'output_image', image);
  return { total, fault: null };
}

/** Turns an emitter's counts into disjoint buckets; on `invalid_usage` the buckets are empty. */
export function countUsage(counts: EmittedCounts, inclusion: Inclusion): CountedUsage {
  const buckets: Buckets = {};
  const writes = splitWrites(counts);
  if (writes === null) {
    return {
      usage: {},
      inputTokens: counts.input,
      outputTokens: counts.output,
      cacheWriteTokens: counts.cacheWrite,
      fault: 'invalid_usage',
    };
  }
  const input = countInput(counts, inclusion, writes, buckets);
  const output = countOutput(counts, inclusion, buckets);
  const invalid = input.fault === 'invalid_usage' || output.fault === 'invalid_usage';
  const anyWrites =
    counts.cacheWrite !== null || counts.cacheWrite1h !== null || counts.cacheWrite5m !== null;
  return {
    usage: invalid ? {} : buckets,
    inputTokens: input.total,
    outputTokens: output.total,
    cacheWriteTokens: anyWrites ? writes.fiveMinutes + writes.oneHour : null,
    fault: invalid ? 'invalid_usage' : input.fault,
  };
}
