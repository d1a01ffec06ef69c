import type { AttributeValue, CostStatus, Usage, UsageBucket } from './call.ts';
import { countsReasoningApart } from './inclusion.ts';
import { readCount, readMeasure } from './token-count.ts';
import type { EmittedCounts } from './usage.ts';
import { countUsage, noCounts } from './usage.ts';

/** An object of JSON. */
export type Json = Readonly<Record<string, unknown>>;

const COUNTS: readonly (readonly [string, keyof EmittedCounts])[] = [
  ['input_tokens', 'input'],
  ['output_tokens', 'output'],
  ['cache_read_tokens', 'cacheRead'],
  ['cache_write_tokens', 'cacheWrite'],
  ['cache_write_1h_tokens', 'cacheWrite1h'],
  ['reasoning_tokens', 'reasoning'],
  ['input_audio_tokens', 'inputAudio'],
  ['output_audio_tokens', 'outputAudio'],
  ['cache_read_audio_tokens', 'cacheReadAudio'],
  ['input_image_tokens', 'inputImage'],
  ['output_image_tokens', 'outputImage'],
];

const MEASURES: readonly UsageBucket[] = [
  'audio_seconds',
  'duration_seconds',
  'input_characters',
  'images',
  'requests',
  'web_search_requests',
];

const TENANT_CONFIG = 'tenantConfig.';

/** A question that cannot be asked like this; the message says why. */
export class BadLine extends Error {}

/** An object, empty where there is none; throws `BadLine` where it is something else. */
export function objectOf(value: unknown, name: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new BadLine(`${name} must be an object`);
  return value as Json;
}

/** Text, null where there is none; throws `BadLine` where it is something else. */
export function textOf(line: Json, name: string): string | null {
  const value = line[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw new BadLine(`"${name}" must be text`);
  return value.trim() === '' ? null : value;
}

/** A boolean, undefined where there is none; throws `BadLine` where it is something else. */
export function flagOf(line: Json, name: string): boolean | undefined {
  const value = line[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw new BadLine(`"${name}" must be true or false`);
  return value;
}

/** Objects in attributes are followed this deep: costs are seldom deeper. */
const MAX_DEPTH = 6;

function attributeOf(value: unknown, depth = 0): AttributeValue | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value === null || typeof value !== 'object' || Array.isArray(value) || depth >= MAX_DEPTH) {
    return undefined;
  }
  return attributesOf(value, depth + 1);
}

/** Attributes as a span has them; what an attribute cannot be is left out. */
export function attributesOf(source: object, depth = 0): ReadonlyMap<string, AttributeValue> {
  const attributes = new Map<string, AttributeValue>();
  for (const [key, value] of Object.entries(source)) {
    const attribute = attributeOf(value, depth);
    if (attribute !== undefined) attributes.set(key, attribute);
  }
  return attributes;
}

/** What a line says was used; a status where that settles it. */
export interface LineUsage {
  readonly usage: Usage;
  readonly alternatives: readonly Usage[];
  readonly status: CostStatus | null;
  readonly reason: string | null;
}

const NOTHING_USED = { usage: {}, alternatives: [] };

/** Reads the usage of a line; throws `BadLine` where it names what is no count. */
export function usageOf(line: Json, provider: string): LineUsage {
  const source = objectOf(line['usage'], 'usage');
  const counts = noCounts();
  const units: Partial<Record<UsageBucket, string>> = {};
  let any = false;
  let invalid: string | null = null;
  const known = new Set<string>([...COUNTS.map(([key]) => key), ...MEASURES]);
  for (const key of Object.keys(source))
    if (!known.has(key)) throw new BadLine(`"usage.${key}" is not a count`);
  for (const [key, name] of COUNTS) {
    const value = source[key];
    if (value === undefined || value === null) continue;
    any = true;
    counts[name] = readCount(attributeOf(value) ?? Number.NaN) ?? null;
    if (counts[name] === null) invalid ??= key;
  }
  for (const key of MEASURES) {
    const value = source[key];
    if (value === undefined || value === null) continue;
    any = true;
    const measure = readMeasure(attributeOf(value) ?? Number.NaN) ?? null;
    if (measure === null) invalid ??= key;
    else units[key] = measure;
  }
  if (!any) return { ...NOTHING_USED, status: 'missing_usage', reason: 'no usage' };
  if (invalid !== null) {
    const reason = `"usage.${invalid}" is not a count from 0 to 9007199254740991`;
    return { ...NOTHING_USED, status: 'invalid_usage', reason };
  }
  const inputIncludes = flagOf(line, 'inputIncludesCached');
  const outputIncludes = flagOf(line, 'outputIncludesReasoning');
  const counted = countUsage(counts, {
    inputIncludesCached: inputIncludes !== false,
    outputIncludesReasoning: outputIncludes !== false,
    // Who says outright that input includes the cache is contradicted by larger parts, except where the
    // provider's own API counts them apart.
    inferExclusiveInput:
      inputIncludes === undefined || provider === 'anthropic' || provider === 'aws.bedrock',
    inferExclusiveOutput: outputIncludes === undefined && countsReasoningApart(provider),
  });
  return {
    usage: { ...counted.usage, ...units },
    alternatives: counted.alternatives.map((split) => ({ ...split, ...units })),
    status: counted.fault,
    reason: counted.fault === null ? null : 'the parts are larger than the whole',
  };
}

/** A discount as a line says it: entries of a prices file, text in per cent, or a factor. */
function discountsOf(value: unknown, provider: string, key: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => discountsOf(each, provider, key));
  if (value !== null && typeof value === 'object') return [{ provider, ...value }];
  if (typeof value === 'string' && value.trim().endsWith('%')) return [{ provider, percent: value }];
  // Who writes 10 means ten per cent, or ten times the price: nobody can tell.
  if (Number(value) > 1) throw new BadLine(`"${key}" must be a factor from 0 to 1, or {"percent": 10}`);
  return [{ provider, multiply: value }];
}

/** A deployment as a line says it: the model's name, or the options of an entry of a prices file. */
function deploymentOf(target: unknown, provider: string, name: string): unknown {
  return target !== null && typeof target === 'object' && !Array.isArray(target)
    ? { provider, name, ...target }
    : { provider, name, model: target };
}

/** A tenant's configuration given with one line, as the prices file that says the same. */
export function ownLayer(attrs: Json, provider: string, model: string): unknown {
  const config = Object.entries(attrs).filter(([key]) => key.startsWith(TENANT_CONFIG));
  if (config.length === 0) return null;
  const file: { prices: unknown[]; deployments: unknown[]; discounts: unknown[] } = {
    prices: [],
    deployments: [],
    discounts: [],
  };
  for (const [key, value] of config) {
    switch (key.slice(TENANT_CONFIG.length)) {
      case 'price':
        file.prices.push({ provider, model, ...objectOf(value, key) });
        break;
      case 'deploymentMap':
        for (const [name, target] of Object.entries(objectOf(value, key))) {
          file.deployments.push(deploymentOf(target, provider, name));
        }
        break;
      case 'discount':
        file.discounts.push(...discountsOf(value, provider, key));
        break;
      default:
        throw new BadLine(`"${key}" is not known`);
    }
  }
  return file;
}
