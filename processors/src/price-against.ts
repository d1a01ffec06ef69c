import type { Conditions, Usage, UsageBucket } from './call.ts';
import { divideHalfEven, formatPico, parseDecimal, powerOfTen } from './money.ts';
import type { PriceBook } from './price-book.ts';
import { instantMicros } from './price-period.ts';
import type { PriceResult } from './price.ts';
import { priceUsage } from './price.ts';

/** One price of another table that the book has not, or has otherwise. */
export interface MapDifference {
  readonly kind: 'map';
  /** `openai gpt-4o input_cost_per_token`: seller of the other table, its key, its field. */
  readonly subject: string;
  /** What a thousand units cost: there, and here; null where the book has no price for it. */
  readonly theirs: string;
  readonly ours: string | null;
  readonly reason: string | null;
}

/** How many models of one seller agree, differ in any price, are priced in part, or are not in the book. */
export interface MapCounts {
  agree: number;
  differ: number;
  partly: number;
  unknown: number;
}

/** A book compared with a table in the format of LiteLLM's `model_prices_and_context_window`. */
export interface MapComparison {
  readonly sellers: ReadonlyMap<string, MapCounts>;
  readonly differences: readonly MapDifference[];
}

/** Providers of the table, by the id that spans name. Others are not compared. */
const PROVIDERS: Readonly<Record<string, string>> = {
  openai: 'openai',
  'text-completion-openai': 'openai',
  anthropic: 'anthropic',
  azure: 'azure.ai.openai',
  azure_ai: 'azure.ai.inference',
  bedrock: 'aws.bedrock',
  bedrock_converse: 'aws.bedrock',
  gemini: 'gcp.gemini',
  vertex_ai: 'gcp.vertex_ai',
  mistral: 'mistral_ai',
  groq: 'groq',
  xai: 'x_ai',
  deepseek: 'deepseek',
  perplexity: 'perplexity',
  cohere: 'cohere',
  cohere_chat: 'cohere',
  voyage: 'voyageai',
  moonshot: 'moonshot_ai',
  fireworks_ai: 'fireworks_ai',
  together_ai: 'together_ai',
  cerebras: 'cerebras',
  openrouter: 'openrouter',
};

const PREFIX =
  /^(openai|azure_ai|azure|gemini|vertex_ai|mistral|groq|xai|deepseek|perplexity|cohere|voyage|moonshot|fireworks_ai|together_ai|bedrock|cerebras|openrouter|anthropic)\//;
const REGION = /^([a-z]{2}(?:-gov)?-[a-z]+-\d)\/(?:invoke\/)?(.+)$/;
const FIELD = /^(.*?)(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority|ultrafast))?$/;

/** What the table's fields count. */
const BUCKETS: Readonly<Record<string, UsageBucket>> = {
  input_cost_per_token: 'input',
  output_cost_per_token: 'output',
  cache_read_input_token_cost: 'cache_read',
  cache_creation_input_token_cost: 'cache_write_5m',
  cache_creation_input_token_cost_above_1hr: 'cache_write_1h',
  output_cost_per_reasoning_token: 'reasoning',
  input_cost_per_audio_token: 'input_audio',
  output_cost_per_audio_token: 'output_audio',
  cache_read_input_audio_token_cost: 'cache_read_audio',
  input_cost_per_image_token: 'input_image',
  output_cost_per_image_token: 'output_image',
  input_cost_per_character: 'input_characters',
};

/** Units that a price is asked for: few enough for no tier, enough for whole 1e-12 USD. */
const COUNT = 1000n;
/** Bound on a table; LiteLLM's had 3.2 MB in November 2026. */
const MAX_CHARACTERS = 50_000_000;

/** JSON whose numbers are kept as text, so that no double comes between. */
function parseExactly(text: string): unknown {
  const quoted = text.replace(
    /("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g,
    (whole: string, string: string | undefined) => (string === undefined ? `"${whole}"` : whole),
  );
  return JSON.parse(quoted);
}

interface Asked {
  readonly seller: string;
  readonly key: string;
  readonly provider: string;
  readonly model: string;
  readonly region: string | null;
}

function askedOf(key: string, provider: string): Asked | null {
  const seller = provider.replace(/^vertex_ai-.*/, 'vertex_ai').replace(/-embedding-models$/, '');
  const id = PROVIDERS[seller];
  if (id === undefined || /commitment|claude_platform|\d-x-\d|^sample_spec$/.test(key)) return null;
  const name = key.replace(PREFIX, '');
  const region = id === 'aws.bedrock' ? REGION.exec(name) : null;
  return { seller, key, provider: id, model: region?.[2] ?? name, region: region?.[1] ?? null };
}

function textField(entry: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = entry[name];
  return typeof value === 'string' ? value : null;
}

/** Prices a number of units in the book, alone or on top of a context of that size. */
function ask(
  book: PriceBook,
  asked: Asked,
  at: bigint,
  conditions: Conditions,
  bucket: UsageBucket,
  context: bigint,
): { readonly pico: bigint | null; readonly result: PriceResult } {
  const request = (usage: Usage): PriceResult =>
    priceUsage(book, {
      provider: asked.provider,
      responseModel: asked.model,
      requestModel: null,
      usage,
      conditions: asked.region === null ? conditions : { ...conditions, region: asked.region },
      atMicros: at,
    });
  const own = bucket === 'input' ? context : 0n;
  const base: Usage = context === 0n ? { input: '0' } : { input: String(context) };
  const without = request(base);
  const result = request({ ...(context === 0n ? {} : base), [bucket]: String(COUNT + own) });
  if (result.costPicoUsd === null) return { pico: null, result };
  return { pico: result.costPicoUsd - (without.costPicoUsd ?? 0n), result };
}

function conditionsOf(mode: string | undefined): Conditions {
  if (mode === undefined) return {};
  return mode === 'batches' ? { batch: true } : { serviceTier: mode };
}

/** What is off-peak goes before the rest: the comparison asks at an hour that is. */
function ordinary(entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const quiet = entry['off_peak_pricing'];
  return quiet !== null && typeof quiet === 'object' ? { ...entry, ...quiet } : entry;
}

interface Compared {
  readonly state: keyof MapCounts | null;
  readonly differences: readonly MapDifference[];
}

function compareModel(
  book: PriceBook,
  asked: Asked,
  entry: Readonly<Record<string, unknown>>,
  at: bigint,
): Compared {
  const differences: MapDifference[] = [];
  let [agreed, unpriced] = [0, 0];
  for (const [name, value] of Object.entries(ordinary(entry))) {
    const field = FIELD.exec(name);
    const bucket = BUCKETS[field?.[1] ?? ''];
    const theirs = typeof value === 'string' ? parseDecimal(value) : null;
    if (bucket === undefined || theirs === null || theirs.numerator <= 0n) continue;
    const context = field?.[2] === undefined ? 0n : BigInt(field[2]) * 1000n + 1n;
    const { pico, result } = ask(book, asked, at, conditionsOf(field?.[3]), bucket, context);
    if (result.status === 'unpriced_model') return { state: 'unknown', differences: [] };
    // Rounded to 1e-12 USD, as ours is: 3.0001999999999996e-07 is the double of 3.0002e-07.
    const wanted = divideHalfEven(theirs.numerator * COUNT * powerOfTen(12), theirs.denominator);
    if (pico === wanted) {
      agreed++;
      continue;
    }
    if (pico === null) unpriced++;
    differences.push({
      kind: 'map',
      subject: `${asked.seller} ${asked.key} ${name}`,
      theirs: formatPico(wanted),
      ours: pico === null ? null : formatPico(pico),
      reason: result.reason,
    });
  }
  if (differences.length > unpriced) return { state: 'differ', differences };
  if (unpriced > 0) return { state: 'partly', differences };
  return { state: agreed > 0 ? 'agree' : null, differences };
}

/**
 * Compares a book with a table in LiteLLM's format at one instant, an off-peak hour: each price per unit that
 * both could have, with its mode and context tier. Numbers are read as decimals, never as doubles.
 * Throws where the text is no JSON object, or longer than 50 million characters.
 */
export function compareWithMap(book: PriceBook, text: string, at: string): MapComparison {
  if (text.length > MAX_CHARACTERS) throw new Error('the table is longer than 50 million characters');
  const table = parseExactly(text);
  if (table === null || typeof table !== 'object' || Array.isArray(table)) throw new Error('no JSON object');
  const micros = BigInt(instantMicros(at));
  const sellers = new Map<string, MapCounts>();
  const differences: MapDifference[] = [];
  for (const [key, entry] of Object.entries(table as Readonly<Record<string, unknown>>)) {
    if (entry === null || typeof entry !== 'object') continue;
    const fields = entry as Readonly<Record<string, unknown>>;
    const asked = askedOf(key, textField(fields, 'litellm_provider') ?? '');
    if (asked === null) continue;
    const { state, differences: found } = compareModel(book, asked, fields, micros);
    if (state === null) continue;
    const counts = sellers.get(asked.seller) ?? { agree: 0, differ: 0, partly: 0, unknown: 0 };
    sellers.set(asked.seller, counts);
    counts[state]++;
    differences.push(...found);
  }
  return { sellers, differences };
}
