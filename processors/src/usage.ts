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
  /**
   * Other splits that the same counts allow, where it is unknown how cached tokens overlap audio or images:
   * the corners of what is possible, so that prices that agree on these agree on everything between.
   */
  readonly alternatives: readonly Usage[];
  /** `invalid_usage`: the counts contradict each other. */
  readonly fault: 'invalid_usage' | null;
}

const NO_ALTERNATIVES: readonly Usage[] = Object.freeze([]);

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

/** How many audio and how many image tokens came from the cache. */
interface Overlap {
  readonly audio: number;
  readonly image: number;
}

const NO_OVERLAP: readonly Overlap[] = [{ audio: 0, image: 0 }];

/**
 * All ways in which cached tokens can be audio or images, as corners of what the counts allow; one where they
 * leave no choice, none where no overlap makes them add up. Images may be written to the cache too, audio not.
 */
function cachedOverlaps(
  counts: EmittedCounts,
  cached: number,
  writes: number,
  total: number,
): readonly Overlap[] {
  const audio = counts.inputAudio ?? 0;
  const image = counts.inputImage ?? 0;
  const needed = Math.max(0, cached + writes + audio + image - total);
  const known = counts.cacheReadAudio;
  if (audio === 0 && image === 0 && (known ?? 0) === 0) return needed === 0 ? NO_OVERLAP : [];
  if (known !== null && known > Math.min(audio, cached)) return [];
  const mostAudio = known ?? Math.min(audio, cached);
  const leastAudio = known ?? 0;
  const mostImage = Math.min(image, cached + writes);
  const found: Overlap[] = [];
  const add = (ofAudio: number, ofImage: number): void => {
    if (ofAudio < leastAudio || ofAudio > mostAudio || ofImage < 0 || ofImage > mostImage) return;
    if (ofAudio + ofImage < needed || ofAudio + ofImage > cached + writes) return;
    if (found.every((each) => each.audio !== ofAudio || each.image !== ofImage)) {
      found.push({ audio: ofAudio, image: ofImage });
    }
  };
  for (const sum of [needed, cached + writes]) {
    for (const ofAudio of [leastAudio, mostAudio]) add(ofAudio, sum - ofAudio);
    for (const ofImage of [0, mostImage]) add(sum - ofImage, ofImage);
  }
  for (const ofAudio of [leastAudio, mostAudio]) for (const ofImage of [0, mostImage]) add(ofAudio, ofImage);
  return found;
}

interface Side {
  readonly total: number | null;
  readonly fault: CountedUsage['fault'];
}

interface InputSide extends Side {
  /** The buckets of this side in the other ways that they can be split. */
  readonly others: readonly Buckets[];
}

const NO_OTHERS: readonly Buckets[] = [];

function putInput(
  counts: EmittedCounts,
  writes: CacheWrites,
  text: number | null,
  overlap: Overlap,
  into: Buckets,
): Buckets {
  if (text !== null) into.input = String(text);
  put(into, 'cache_read', cachedTokens(counts) - overlap.audio);
  put(into, 'cache_read_audio', overlap.audio);
  put(into, 'cache_write_5m', writes.fiveMinutes);
  put(into, 'cache_write_1h', writes.oneHour);
  put(into, 'input_audio', (counts.inputAudio ?? 0) - overlap.audio);
  put(into, 'input_image', (counts.inputImage ?? 0) - overlap.image);
  return into;
}

/** Cached tokens read; those known to be audio are at least all of them. */
function cachedTokens(counts: EmittedCounts): number {
  return counts.cacheRead ?? counts.cacheReadAudio ?? 0;
}

function countInput(
  counts: EmittedCounts,
  inclusion: Inclusion,
  writes: CacheWrites,
  into: Buckets,
): InputSide {
  const cached = cachedTokens(counts);
  const written = writes.fiveMinutes + writes.oneHour;
  const given = counts.input;
  const contradiction = given !== null && cached + written > given;
  if (contradiction && inclusion.inputIncludesCached && !inclusion.inferExclusiveInput) {
    return { total: given, fault: 'invalid_usage', others: NO_OTHERS };
  }
  const inclusive = inclusion.inputIncludesCached && !contradiction;
  const total = given === null || inclusive ? given : given + cached + written;
  const whole = total ?? cached + written + (counts.inputAudio ?? 0) + (counts.inputImage ?? 0);
  if (!Number.isSafeInteger(whole)) return { total: null, fault: 'invalid_usage', others: NO_OTHERS };
  const overlaps = cachedOverlaps(counts, cached, written, whole);
  const first = overlaps[0];
  if (first === undefined) return { total, fault: 'invalid_usage', others: NO_OTHERS };
  const parts = cached + written + (counts.inputAudio ?? 0) + (counts.inputImage ?? 0);
  const split = (overlap: Overlap, target: Buckets): Buckets => {
    const text = total === null ? null : total - parts + overlap.audio + overlap.image;
    return putInput(counts, writes, text, overlap, target);
  };
  split(first, into);
  const others = overlaps.length === 1 ? NO_OTHERS : overlaps.slice(1).map((overlap) => split(overlap, {}));
  return { total, fault: null, others };
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
  if (!Number.isSafeInteger(total) || text < 0) {
    return { total: counts.output, fault: 'invalid_usage' };
  }
  into.output = String(text);
  put(into, 'reasoning', reasoning);
  put(into, 'output_audio', audio);
  put(into, 'output_image', image);
  return { total, fault: null };
}

const GENERATED: readonly UsageBucket[] = ['output', 'reasoning', 'output_audio', 'output_image'];

function generated(buckets: Usage): Buckets {
  return Object.fromEntries(
    GENERATED.flatMap((bucket) => (buckets[bucket] === undefined ? [] : [[bucket, buckets[bucket]]])),
  );
}

/** Turns an emitter's counts into disjoint buckets; on `invalid_usage` the buckets are empty. */
export function countUsage(counts: EmittedCounts, inclusion: Inclusion): CountedUsage {
  const writes = splitWrites(counts);
  if (writes === null) {
    return {
      usage: {},
      inputTokens: counts.input,
      outputTokens: counts.output,
      cacheWriteTokens: counts.cacheWrite,
      alternatives: NO_ALTERNATIVES,
      fault: 'invalid_usage',
    };
  }
  const buckets: Buckets = {};
  const input = countInput(counts, inclusion, writes, buckets);
  const output = countOutput(counts, inclusion, buckets);
  const fault = input.fault ?? output.fault;
  const anyWrites =
    counts.cacheWrite !== null || counts.cacheWrite1h !== null || counts.cacheWrite5m !== null;
  return {
    usage: fault === null ? buckets : {},
    inputTokens: input.total,
    outputTokens: output.total,
    cacheWriteTokens: anyWrites ? writes.fiveMinutes + writes.oneHour : null,
    alternatives:
      fault !== null || input.others.length === 0
        ? NO_ALTERNATIVES
        : input.others.map((others) => ({ ...generated(buckets), ...others })),
    fault,
  };
}
