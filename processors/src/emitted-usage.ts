import type { Call, CostStatus, Scope, Usage, UsageBucket } from './call.ts';
import type { FieldName } from './dialects/dialect.ts';
import type { SpanFields } from './dialects/index.ts';
import { readFlag } from './flag.ts';
import type { InclusionDecider } from './inclusion.ts';
import { countsReasoningApart } from './inclusion.ts';
import { countsOfMetadata, PROVIDER_METADATA } from './provider-metadata.ts';
import type { KeptAttributes } from './kept-attributes.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';
import { readCount, readMeasure, valueText } from './token-count.ts';
import type { EmittedCounts, Inclusion } from './usage.ts';
import { countUsage, noCounts } from './usage.ts';

const COUNTS: readonly (readonly [FieldName, keyof EmittedCounts])[] = [
  ['inputTokens', 'input'],
  ['outputTokens', 'output'],
  ['cacheReadTokens', 'cacheRead'],
  ['cacheWriteTokens', 'cacheWrite'],
  ['cacheWrite5mTokens', 'cacheWrite5m'],
  ['cacheWrite1hTokens', 'cacheWrite1h'],
  ['reasoningTokens', 'reasoning'],
  ['inputAudioTokens', 'inputAudio'],
  ['outputAudioTokens', 'outputAudio'],
  ['cacheReadAudioTokens', 'cacheReadAudio'],
  ['inputImageTokens', 'inputImage'],
  ['outputImageTokens', 'outputImage'],
];

const MEASURES: readonly (readonly [FieldName, UsageBucket])[] = [
  ['audioSeconds', 'audio_seconds'],
  ['durationSeconds', 'duration_seconds'],
  ['inputCharacters', 'input_characters'],
  ['images', 'images'],
  ['requests', 'requests'],
  ['webSearchRequests', 'web_search_requests'],
];

/** Kept with a call whose buckets are but one of several splits that its counts allow. */
export const OTHER_SPLITS = 'spanmeter.usage.other_splits';

const NO_SPLITS: readonly Usage[] = [];
/** Costs nothing, so that no other split agrees with it. */
const UNREADABLE: readonly Usage[] = [{}];

/** Reads the other splits of a stored call; what cannot be read allows no price at all. */
export function readOtherSplits(text: string | null): readonly Usage[] {
  if (text === null) return NO_SPLITS;
  try {
    const splits: unknown = JSON.parse(text);
    return Array.isArray(splits) ? (splits as readonly Usage[]) : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

/** A total that has the reasoning beside the output proves that it is not in it. */
function provenBy(
  total: number | null,
  { input, output, reasoning }: EmittedCounts,
  stated: Inclusion,
  provider: string,
): Inclusion {
  if (total === null || reasoning === null || reasoning === 0) return stated;
  if (input === null || output === null || !countsReasoningApart(provider)) return stated;
  return total === input + output + reasoning ? { ...stated, outputIncludesReasoning: false } : stated;
}

type Units = Partial<Record<UsageBucket, string>>;

function measureReader(fields: SpanFields): (kept: KeptAttributes) => Units | 'invalid' | null {
  const measures = MEASURES.map(([field, bucket]) => ({ slot: fields.slot(field), bucket }));
  return (kept) => {
    let units: Units | null = null;
    let invalid = false;
    for (const { slot, bucket } of measures) {
      const value = fields.value(slot);
      if (value === undefined) continue;
      const measure = readMeasure(value) ?? null;
      if (measure === null) {
        invalid = true;
        kept.set(fields.key(slot), storableText(valueText(value), MAX_DIMENSION_BYTES));
      } else {
        units ??= {};
        units[bucket] = measure;
      }
    }
    return invalid ? 'invalid' : units;
  };
}

/** Makes a reader of usage, which it writes into the call. What is no count is kept as text under its key. */
export function usageReader(
  fields: SpanFields,
  decide: InclusionDecider,
): (call: Call, scope: Scope, kept: KeptAttributes) => CostStatus | null {
  const counts = COUNTS.map(([field, name]) => ({ slot: fields.slot(field), name }));
  const readMeasures = measureReader(fields);
  const estimated = fields.slot('usageEstimated');
  const totalTokens = fields.slot('totalTokens');
  const operation = fields.slot('operation');
  const cacheRead = fields.slot('cacheReadTokens');
  const details = fields.slot('reportedCostDetails');
  const emitted = noCounts();

  /** Fills `emitted`; says whether there was any count, and whether any was none. */
  const readCounts = (kept: KeptAttributes): 'none' | 'valid' | 'invalid' => {
    let found: 'none' | 'valid' | 'invalid' = 'none';
    for (const { slot, name } of counts) {
      const value = fields.value(slot);
      const count = value === undefined ? null : (readCount(value) ?? null);
      emitted[name] = count;
      if (value === undefined) continue;
      if (count === null) {
        found = 'invalid';
        kept.set(fields.key(slot), storableText(valueText(value), MAX_DIMENSION_BYTES));
      } else if (found === 'none') found = 'valid';
    }
    return found;
  };

  /**
   * Adds what versions 4 and 5 of the AI SDK tell only in their providers' metadata; true where their input leaves
   * cached tokens out. Counts that stand in attributes of their own say all there is to say.
   */
  const readMetadata = (): boolean => {
    if (fields.key(details) !== PROVIDER_METADATA || emitted.cacheWrite !== null) return false;
    if (emitted.cacheRead !== null && fields.key(cacheRead) !== 'ai.usage.cachedInputTokens') return false;
    const told = countsOfMetadata(fields.value(details));
    if (told === null) return false;
    emitted.cacheRead ??= told.cacheRead;
    emitted.cacheWrite = told.cacheWrite;
    emitted.cacheWrite5m ??= told.cacheWrite5m;
    emitted.cacheWrite1h ??= told.cacheWrite1h;
    return told.isExclusive;
  };

  /** Embeddings have no output, so that their total is their input. */
  const inputOfTotal = (): number | null =>
    fields.text(operation)?.startsWith('embed') === true
      ? (readCount(fields.value(totalTokens)) ?? null)
      : null;

  return (call, scope, kept) => {
    let found = readCounts(kept);
    const units = readMeasures(kept);
    if (found === 'none' && units === null) {
      emitted.input = inputOfTotal();
      if (emitted.input === null) return 'missing_usage';
      found = 'valid';
    }
    const model = call.responseModel ?? call.requestModel;
    const total = readCount(fields.value(totalTokens)) ?? null;
    const isExclusive = readMetadata();
    const decided = decide(scope, call.provider, model);
    const stated = isExclusive ? { ...decided, inputIncludesCached: false } : decided;
    const counted = countUsage(emitted, provenBy(total, emitted, stated, call.provider));
    call.usageSource = readFlag(fields.value(estimated)) === true ? 'estimated' : 'reported';
    call.inputTokens = emitted.input === null ? null : counted.inputTokens;
    call.cacheReadTokens = emitted.cacheRead;
    call.cacheWriteTokens = counted.cacheWriteTokens;
    call.outputTokens = emitted.output === null ? null : counted.outputTokens;
    call.reasoningTokens = emitted.reasoning;
    if (found === 'invalid' || units === 'invalid') return 'invalid_usage';
    call.usage = units === null ? counted.usage : { ...counted.usage, ...units };
    if (counted.alternatives.length > 0) {
      call.usageAlternatives = counted.alternatives.map((split) => ({ ...split, ...units }));
      kept.set(OTHER_SPLITS, JSON.stringify(call.usageAlternatives));
    }
    return counted.fault;
  };
}
