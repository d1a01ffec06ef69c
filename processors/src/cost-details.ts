import type { AttributeValue } from './call.ts';

type ReadUsd = (value: AttributeValue | undefined) => bigint | null;

/** Where costs stand inside a structured attribute; the first that is there wins. */
interface Details {
  readonly totals: readonly (readonly string[])[];
  /** Paths whose amounts make the total only together. */
  readonly parts?: readonly (readonly string[])[];
  /** True where every amount of the object is a part of the total. */
  readonly sumsAll?: true;
}

const COST: readonly (readonly string[])[] = [
  ['total'],
  ['total_cost'],
  ['totalCost'],
  ['cost'],
  ['cost_usd'],
];

/** By attribute key; others are read by `COST` alone. */
const DETAILS: Readonly<Record<string, Details>> = {
  'langfuse.observation.cost_details': { totals: [['total']], sumsAll: true },
  'langsmith.usage_metadata': { totals: COST, parts: [['input_cost'], ['output_cost']] },
  hidden_params: { totals: [['response_cost'], ['_hidden_params', 'response_cost']] },
  'metadata.hidden_params': { totals: [['response_cost']] },
  'ai.response.providerMetadata': {
    totals: [
      ['openrouter', 'usage', 'cost'],
      ['gateway', 'cost'],
    ],
  },
};

/** Longer text is not parsed: costs are small objects. */
const MAX_TEXT = 65_536;
const MAX_PARTS = 64;

interface Reading {
  at(path: readonly string[]): AttributeValue | undefined;
  all(): readonly (AttributeValue | undefined)[];
}

function scalar(value: unknown): AttributeValue | undefined {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint'
    ? value
    : undefined;
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function own(value: unknown, key: string): unknown {
  if (value instanceof Map) return (value as ReadonlyMap<string, unknown>).get(key);
  return isObject(value) && Object.hasOwn(value, key)
    ? Object.getOwnPropertyDescriptor(value, key)?.value
    : undefined;
}

/** An object of attributes, or the JSON text of one; null where it is neither. */
function readingOf(value: AttributeValue): Reading | null {
  let root: unknown = value;
  if (typeof value === 'string') {
    if (value.length > MAX_TEXT || !value.trimStart().startsWith('{')) return null;
    try {
      root = JSON.parse(value);
    } catch {
      return null;
    }
  }
  if (!isObject(root) || root instanceof Uint8Array) return null;
  const values = root instanceof Map ? [...root.values()] : Object.values(root);
  return {
    at: (path) => scalar(path.reduce<unknown>(own, root)),
    all: () => values.map(scalar),
  };
}

/** The cost that a structured attribute holds, in 1e-12 USD; null where it holds none, or only a part of one. */
export function costOfDetails(key: string, value: AttributeValue, readUsd: ReadUsd): bigint | null {
  const reading = readingOf(value);
  if (reading === null) return null;
  const { totals, parts, sumsAll } = DETAILS[key] ?? { totals: COST };
  for (const path of totals) {
    const found = reading.at(path);
    if (found !== undefined) return readUsd(found);
  }
  const values = sumsAll === true ? reading.all() : (parts ?? []).map((path) => reading.at(path));
  if (values.length === 0 || values.length > MAX_PARTS) return null;
  let sum = 0n;
  for (const each of values) {
    const amount = readUsd(each);
    if (amount === null) return null;
    sum += amount;
  }
  return sum;
}

const UPSTREAM: readonly (readonly string[])[] = [
  ['upstream_inference_cost'],
  ['upstreamInferenceCost'],
  ['openrouter', 'usage', 'costDetails', 'upstreamInferenceCost'],
];

/** What the model's own provider charged, by a router's structured attribute, in 1e-12 USD; null where it does not say. */
export function upstreamOfDetails(value: AttributeValue, readUsd: ReadUsd): bigint | null {
  const reading = readingOf(value);
  if (reading === null) return null;
  for (const path of UPSTREAM) {
    const found = reading.at(path);
    if (found !== undefined) return readUsd(found);
  }
  return null;
}
