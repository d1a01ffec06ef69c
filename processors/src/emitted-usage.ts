import type { Call, CostStatus, Scope, Usage, UsageBucket, UsageSource } from './call.ts';
import type { FieldName } from './dialects/dialect.ts';
import type { SpanFields } from './span-fields.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';
import { readCount, readMeasure, valueText } from './token-count.ts';
import type { EmittedCounts, Inclusion } from './usage.ts';
import { countUsage, noCounts } from './usage.ts';

/** What a span says it used. */
export interface ReadUsage {
  readonly usage: Usage;
  readonly source: UsageSource;
  readonly inputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  /** Final where the usage itself decides it; null where it can be priced. */
  readonly status: CostStatus | null;
}

type Kept = Record<string, string | number | boolean>;

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

const NO_USAGE: ReadUsage = {
  usage: {},
  source: 'missing',
  inputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  status: 'missing_usage',
};

/** Makes a reader of usage. What is no count is kept as text under its own key in `attributes`. */
export function emittedUsageReader(
  fields: SpanFields,
  decide: (scope: Scope, provider: string, model: string | null) => Inclusion,
): (scope: Scope, provider: string, model: string | null, attributes: Kept) => ReadUsage {
  const counts = COUNTS.map(([field, name]) => ({ slot: fields.slot(field), name }));
  const measures = MEASURES.map(([field, bucket]) => ({ slot: fields.slot(field), bucket }));
  const estimated = fields.slot('usageEstimated');
  const totalTokens = fields.slot('totalTokens');
  const operation = fields.slot('operation');

  /** Embeddings have no output, so that their total is their input. */
  const inputOfTotal = (): number | null =>
    fields.text(operation)?.startsWith('embed') === true
      ? (readCount(fields.value(totalTokens)) ?? null)
      : null;

  return (scope, provider, model, attributes) => {
    const emitted = noCounts();
    let any = false;
    let invalid = false;
    for (const { slot, name } of counts) {
      const value = fields.value(slot);
      if (value === undefined) continue;
      const count = readCount(value) ?? null;
      any = true;
      emitted[name] = count;
      if (count !== null) continue;
      invalid = true;
      attributes[fields.key(slot)] = storableText(valueText(value), MAX_DIMENSION_BYTES);
    }
    let units: Partial<Record<UsageBucket, string>> | null = null;
    for (const { slot, bucket } of measures) {
      const value = fields.value(slot);
      if (value === undefined) continue;
      const measure = readMeasure(value) ?? null;
      any = true;
      if (measure === null) {
        invalid = true;
        attributes[fields.key(slot)] = storableText(valueText(value), MAX_DIMENSION_BYTES);
      } else {
        units ??= {};
        units[bucket] = measure;
      }
    }
    if (!any) {
      emitted.input = inputOfTotal();
      if (emitted.input === null) return NO_USAGE;
    }
    const counted = countUsage(emitted, decide(scope, provider, model));
    return {
      usage: invalid ? {} : units === null ? counted.usage : { ...counted.usage, ...units },
      source: fields.value(estimated) === true ? 'estimated' : 'reported',
      inputTokens: emitted.input === null ? null : counted.inputTokens,
      cacheReadTokens: emitted.cacheRead,
      cacheWriteTokens: counted.cacheWriteTokens,
      outputTokens: emitted.output === null ? null : counted.outputTokens,
      reasoningTokens: emitted.reasoning,
      status: invalid ? 'invalid_usage' : counted.fault,
    };
  };
}

/** True where a call carries any usage at all. */
export function hasUsage(call: Call): boolean {
  return call.usageSource !== 'missing';
}
