/**
 * List prices in USD per million tokens, written by hand from the providers' pages and apart from our price
 * book: what the proof holds the dashboards' money against. No context tier and no price that changes by date.
 */
export interface HandPrice {
  readonly provider: string;
  readonly model: string;
  readonly input: string;
  readonly output: string;
  readonly cacheRead?: string;
  readonly cacheWrite?: string;
  readonly audioInput?: string;
  readonly audioOutput?: string;
  readonly operation?: 'embeddings';
  /** Has reasoning tokens among its output. */
  readonly reasons?: true;
}

export const HAND_PRICES: readonly HandPrice[] = [
  { provider: 'openai', model: 'gpt-4o', input: '2.50', output: '10', cacheRead: '1.25' },
  { provider: 'openai', model: 'gpt-4o-mini', input: '0.15', output: '0.60', cacheRead: '0.075' },
  { provider: 'openai', model: 'gpt-4.1', input: '2', output: '8', cacheRead: '0.50' },
  { provider: 'openai', model: 'gpt-4.1-mini', input: '0.40', output: '1.60', cacheRead: '0.10' },
  { provider: 'openai', model: 'o3', input: '2', output: '8', cacheRead: '0.50', reasons: true },
  { provider: 'openai', model: 'o4-mini', input: '1.10', output: '4.40', cacheRead: '0.275', reasons: true },
  { provider: 'openai', model: 'gpt-5', input: '1.25', output: '10', cacheRead: '0.125', reasons: true },
  { provider: 'openai', model: 'gpt-5-mini', input: '0.25', output: '2', cacheRead: '0.025', reasons: true },
  {
    provider: 'openai',
    model: 'text-embedding-3-small',
    input: '0.02',
    output: '0',
    operation: 'embeddings',
  },
  {
    provider: 'openai',
    model: 'gpt-audio',
    input: '2.50',
    output: '10',
    audioInput: '32',
    audioOutput: '64',
  },
  {
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    input: '3',
    output: '15',
    cacheRead: '0.30',
    cacheWrite: '3.75',
  },
  {
    provider: 'anthropic',
    model: 'claude-opus-4-1',
    input: '15',
    output: '75',
    cacheRead: '1.50',
    cacheWrite: '18.75',
  },
  {
    provider: 'anthropic',
    model: 'claude-haiku-4-5',
    input: '1',
    output: '5',
    cacheRead: '0.10',
    cacheWrite: '1.25',
  },
  { provider: 'gcp.gemini', model: 'gemini-2.5-flash', input: '0.30', output: '2.50', cacheRead: '0.03' },
  { provider: 'gcp.gemini', model: 'gemini-2.5-pro', input: '1.25', output: '10', cacheRead: '0.125' },
  {
    provider: 'gcp.gemini',
    model: 'gemini-2.5-flash-lite',
    input: '0.10',
    output: '0.40',
    cacheRead: '0.01',
  },
  { provider: 'mistral_ai', model: 'mistral-small-latest', input: '0.15', output: '0.60' },
  { provider: 'cohere', model: 'command-r-plus', input: '2.50', output: '10' },
  { provider: 'groq', model: 'llama-3.3-70b-versatile', input: '0.59', output: '0.79' },
  {
    provider: 'aws.bedrock',
    model: 'amazon.nova-pro-v1:0',
    input: '0.80',
    output: '3.20',
    cacheRead: '0.20',
  },
];

/** Tokens of one call; `input` includes cached and audio ones, `output` reasoning and audio ones. */
export interface SentTokens {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly audioInput: number;
  readonly output: number;
  readonly reasoning: number;
  readonly audioOutput: number;
}

/** USD per million tokens as 1e-12 USD per token: 1 USD per million is 1,000,000. */
function picoPerToken(usdPerMillion: string): bigint {
  const [whole = '0', decimals = ''] = usdPerMillion.split('.');
  return BigInt(whole + decimals.padEnd(6, '0'));
}

/** Exact cost in 1e-12 USD; half of it in a batch. Every price above has at most six decimals, so none is rounded. */
export function handCost(price: HandPrice, tokens: SentTokens, batch: boolean): bigint {
  const plainInput = tokens.input - tokens.cacheRead - tokens.cacheWrite - tokens.audioInput;
  const plainOutput = tokens.output - tokens.audioOutput;
  const parts: readonly (readonly [number, string | undefined])[] = [
    [plainInput, price.input],
    [plainOutput, price.output],
    [tokens.cacheRead, price.cacheRead],
    [tokens.cacheWrite, price.cacheWrite],
    [tokens.audioInput, price.audioInput],
    [tokens.audioOutput, price.audioOutput],
  ];
  let total = 0n;
  for (const [count, rate] of parts) {
    if (count === 0) continue;
    if (rate === undefined)
      throw new Error(`${price.model} has no price for some of ${JSON.stringify(tokens)}`);
    total += BigInt(count) * picoPerToken(rate);
  }
  return batch ? total / 2n : total;
}
