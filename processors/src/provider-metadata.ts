import type { AttributeValue } from './call.ts';
import { readCount } from './token-count.ts';

/** The attribute in which the AI SDK passes on what its providers' models tell beside the totals. */
export const PROVIDER_METADATA = 'ai.response.providerMetadata';

/** Counts that versions 4 and 5 tell nowhere else; null is unknown. */
export interface MetadataCounts {
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly cacheWrite5m: number | null;
  readonly cacheWrite1h: number | null;
  /** The totals of these providers' models leave cached tokens out. */
  readonly isExclusive: boolean;
}

/** Longer text is not parsed. */
const MAX_TEXT = 65_536;

/** Whose models they are, and whether their totals leave cached tokens out (`@ai-sdk/anthropic@2`, `amazon-bedrock@3`). */
const VENDORS: readonly (readonly [name: string, isExclusive: boolean])[] = [
  ['anthropic', true],
  ['bedrock', true],
  ['openai', false],
  ['azure', false],
  ['deepseek', false],
];

type Names = readonly string[];

const READS: Names = ['cacheReadInputTokens', 'cachedPromptTokens', 'promptCacheHitTokens'];
const WRITES: Names = ['cacheCreationInputTokens', 'cacheWriteInputTokens', 'cacheWriteTokens'];

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function parsed(value: AttributeValue | undefined): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'string' || value.length > MAX_TEXT || !value.startsWith('{')) return undefined;
  try {
    return objectOf(JSON.parse(value));
  } catch {
    return undefined;
  }
}

function first(from: Readonly<Record<string, unknown>> | undefined, names: Names): number | null {
  for (const name of names) {
    const value = from !== undefined && Object.hasOwn(from, name) ? from[name] : undefined;
    const count = typeof value === 'number' ? readCount(value) : undefined;
    if (count !== undefined && count !== null) return count;
  }
  return null;
}

/** Reads the counts of the first vendor that the metadata is of; null where it is of none. */
export function countsOfMetadata(value: AttributeValue | undefined): MetadataCounts | null {
  const metadata = parsed(value);
  if (metadata === undefined) return null;
  for (const [name, isExclusive] of VENDORS) {
    const vendor = Object.hasOwn(metadata, name) ? objectOf(metadata[name]) : undefined;
    if (vendor === undefined) continue;
    const usage = objectOf(vendor['usage']);
    const lifetimes = objectOf(usage?.['cache_creation']);
    return {
      cacheRead: first(vendor, READS) ?? first(usage, [...READS, 'cache_read_input_tokens']),
      cacheWrite: first(vendor, WRITES) ?? first(usage, [...WRITES, 'cache_creation_input_tokens']),
      cacheWrite5m: first(lifetimes, ['ephemeral_5m_input_tokens']),
      cacheWrite1h: first(lifetimes, ['ephemeral_1h_input_tokens']),
      isExclusive,
    };
  }
  return null;
}
