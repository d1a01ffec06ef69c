import type { CostStatus } from '@spanmeter/processors';
import type { BuilderGroup, BuilderValue } from '../../support/otlp-builder.ts';
import { handCost, type HandPrice, type SentTokens } from './price-table.ts';
import { NOTHING_USED, randomFrom, type Random } from './random.ts';
import { STAGING, type Organisation } from './organisations.ts';

/** One call as it was sent, with what must be known of it afterwards. */
export interface SentCall {
  readonly tenant: string;
  readonly zone: string;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly ttftMs: number | null;
  readonly streaming: boolean;
  readonly provider: string;
  readonly model: string;
  readonly operation: string;
  readonly service: string;
  readonly environment: string;
  readonly team: string | null;
  readonly feature: string | null;
  readonly user: string;
  readonly session: string;
  readonly conversation: string | null;
  readonly agent: string | null;
  readonly keyId: string;
  readonly tokens: SentTokens;
  readonly error: string | null;
  readonly status: CostStatus;
  /** In 1e-12 USD; null where there is no cost. */
  readonly cost: bigint | null;
  /** What the sender says it cost, in 1e-12 USD. */
  readonly reported: bigint | null;
  readonly batch: boolean;
  readonly sampled: boolean;
  readonly live: boolean;
  /** Began over a quarter of an hour before it came. */
  readonly lateness: boolean;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly responseId: string | null;
  /** The model's name on the span, where it is stored otherwise. */
  readonly sentModel?: string;
  /** What the span says of usage, where that is not `tokens`. */
  readonly usageAttributes?: Readonly<Record<string, BuilderValue>>;
}

const FEATURES: readonly (string | null)[] = ['summaries', 'chat', 'search', 'triage', null];
const UNPRICED_MODELS: readonly string[] = ['in-house-7b', `mödel "quoted" 'x'`, 'long-'.padEnd(300, 'm')];
const PICO_PER_MICRO = 1_000_000n;

const hex = (random: Random, digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');

const between = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low));

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

/** Few things are used much and many little. */
function pickSkewed<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() ** 2 * from.length)]!;
}

function tokensOf(random: Random, price: HandPrice): SentTokens {
  if (price.operation === 'embeddings') return { ...NOTHING_USED, input: between(random, 200, 4_000) };
  const input = between(random, 400, 24_000);
  const cached = price.cacheRead !== undefined && random() < 0.5;
  const cacheRead = cached ? Math.floor(input * (0.2 + random() * 0.5)) : 0;
  const cacheWrite = cached && price.cacheWrite !== undefined ? Math.floor(input * 0.1) : 0;
  const output = between(random, 40, 3_000);
  const reasoning = price.reasons === true ? Math.floor(output * (0.3 + random() * 0.4)) : 0;
  const audio = price.audioInput !== undefined;
  const audioInput = audio ? Math.floor(input / 2) : 0;
  const audioOutput = audio ? Math.floor(output / 2) : 0;
  return { input, cacheRead, cacheWrite, audioInput, output, reasoning, audioOutput };
}

/** A model's name as it is stored: no more than 256 bytes. */
const storedName = (name: string): string => name.slice(0, 256);

interface Fault {
  readonly error?: string;
  readonly status: CostStatus;
  readonly tokens?: SentTokens;
  readonly model?: string;
  readonly provider?: string;
  readonly usageAttributes?: Readonly<Record<string, BuilderValue>>;
}

/** What goes wrong with one call of about eight. */
function faultOf(random: Random, price: HandPrice): Fault | null {
  const dice = random();
  if (dice < 0.03) return { error: '429', status: 'not_billable', tokens: NOTHING_USED, usageAttributes: {} };
  if (dice < 0.05)
    return { error: 'timeout', status: 'not_billable', tokens: NOTHING_USED, usageAttributes: {} };
  if (dice < 0.06) return { error: '500', status: 'priced' };
  if (dice < 0.09)
    return { status: 'unpriced_model', model: pick(random, UNPRICED_MODELS), provider: 'in_house' };
  if (dice < 0.1) return { status: 'missing_usage', tokens: NOTHING_USED, usageAttributes: {} };
  if (dice < 0.108) {
    const usageAttributes = { 'gen_ai.usage.input_tokens': -5, 'gen_ai.usage.output_tokens': 10 };
    return { status: 'invalid_usage', tokens: { ...NOTHING_USED, output: 10 }, usageAttributes };
  }
  // Google sells audio to every model.
  const noAudio = price.audioInput === undefined && price.provider !== 'gcp.gemini';
  if (dice < 0.118 && price.operation === undefined && noAudio) {
    return { status: 'unpriced_dimension' };
  }
  return null;
}

export interface CallPlan {
  readonly startedMs: number;
  readonly organisation: Organisation;
}

/** Makes calls, the same for the same seed and times. */
export class CallMaker {
  readonly #random: Random;
  readonly #organisations: readonly Organisation[];

  constructor(seed: number, organisations: readonly Organisation[]) {
    this.#random = randomFrom(seed);
    this.#organisations = organisations.filter(({ traffic }) => traffic === 'regular');
  }

  /** A call of any organisation at about that time: most of those that spend most. */
  plan(startedMs: number): CallPlan {
    return { startedMs, organisation: pickSkewed(this.#random, this.#organisations) };
  }

  make({ startedMs, organisation }: CallPlan): SentCall {
    const random = this.#random;
    const price = pickSkewed(random, organisation.models);
    const service = pickSkewed(random, organisation.services);
    const fault = faultOf(random, price);
    const tokens = fault?.tokens ?? tokensOf(random, price);
    const user = pick(random, organisation.users);
    const inBatches = ['openai', 'anthropic'].includes(price.provider) && price.audioInput === undefined;
    const batch = fault === null && random() < 0.04 && inBatches;
    const status = fault?.status ?? 'priced';
    const cost = status === 'priced' ? handCost(price, tokens, batch) : null;
    const streaming = price.operation === undefined && random() < 0.6;
    const durationMs = between(random, 300, 9_000);
    const audioTokens = Math.floor(tokens.input / 4);
    return {
      tenant: organisation.tenant,
      zone: organisation.zone,
      startedMs,
      durationMs,
      ttftMs: streaming && fault?.error === undefined ? Math.floor(durationMs / 5) : null,
      streaming,
      provider: fault?.provider ?? price.provider,
      model: storedName(fault?.model ?? price.model),
      operation: price.operation ?? 'chat',
      service,
      environment: service === STAGING ? 'staging' : 'production',
      team: pickSkewed(random, organisation.teams),
      feature: pick(random, FEATURES),
      user,
      session: `${user}-${hex(random, 4)}`,
      conversation: random() < 0.5 ? `talk-${hex(random, 2)}` : null,
      agent: random() < 0.3 ? 'researcher' : null,
      keyId: 'gateway',
      tokens:
        status === 'unpriced_dimension'
          ? { ...tokens, audioInput: audioTokens, cacheRead: 0, cacheWrite: 0 }
          : tokens,
      error: fault?.error ?? null,
      status,
      cost,
      reported: cost !== null && random() < 0.05 ? (cost / PICO_PER_MICRO + 1_500n) * PICO_PER_MICRO : null,
      batch,
      sampled: random() < 0.03,
      live: false,
      lateness: true,
      traceId: hex(random, 32),
      spanId: hex(random, 16),
      parentSpanId: null,
      responseId: null,
      ...(fault?.model !== undefined && { sentModel: fault.model }),
      ...(fault?.usageAttributes !== undefined && { usageAttributes: fault.usageAttributes }),
    };
  }

  /** A call through OpenRouter, whose own figure is the cost. */
  reported(plan: CallPlan): SentCall {
    const call = this.make(plan);
    const tokens = { ...NOTHING_USED, input: 2_000, output: 500 };
    const reported = 12_345n * PICO_PER_MICRO;
    const { usageAttributes: _, sentModel: __, ...rest } = call;
    const paid = { status: 'reported' as const, cost: reported, reported, error: null, batch: false };
    return { ...rest, provider: 'openrouter', model: 'openai/gpt-4o', operation: 'chat', tokens, ...paid };
  }

  /** The same calls once more, now: every label set of theirs is known by then, so that no increase is missed. */
  again(calls: readonly SentCall[], nowMs: number): readonly SentCall[] {
    const random = this.#random;
    const traceId = hex(random, 32);
    const spans = new Map(calls.map(({ spanId }) => [spanId, hex(random, 16)]));
    return calls.map((call) => ({
      ...call,
      live: true,
      lateness: false,
      startedMs: nowMs - call.durationMs,
      traceId,
      spanId: spans.get(call.spanId)!,
      parentSpanId: call.parentSpanId === null ? null : (spans.get(call.parentSpanId) ?? null),
      responseId: call.responseId === null ? null : `resp-${traceId}`,
    }));
  }

  /** A call of a service that nothing is known of yet. */
  ofService(plan: CallPlan, service: string): SentCall {
    return {
      ...this.make(plan),
      service,
      environment: 'production',
      lateness: plan.startedMs < Date.now() - 900_000,
    };
  }

  /** Two spans of one call, the framework's around the SDK's: one is paid, one a duplicate. */
  twins(plan: CallPlan): readonly SentCall[] {
    const made = this.make(plan);
    const price = plan.organisation.models[0]!;
    const tokens = { ...NOTHING_USED, input: between(this.#random, 500, 5_000), output: 321 };
    const { usageAttributes: _, sentModel: __, ...rest } = made;
    const what = { provider: price.provider, model: price.model, operation: 'chat', tokens, error: null };
    const inner: SentCall = {
      ...rest,
      ...what,
      status: 'priced',
      cost: handCost(price, tokens, false),
      reported: null,
      batch: false,
      parentSpanId: hex(this.#random, 16),
      responseId: `resp-${hex(this.#random, 12)}`,
    };
    const outer: SentCall = {
      ...inner,
      spanId: inner.parentSpanId!,
      parentSpanId: null,
      status: 'duplicate',
      cost: null,
    };
    return [inner, outer];
  }
}

function usageOf({ tokens, status }: SentCall): Record<string, BuilderValue> {
  const counts: readonly (readonly [string, number])[] = [
    ['gen_ai.usage.cache_read.input_tokens', tokens.cacheRead],
    ['gen_ai.usage.cache_creation.input_tokens', tokens.cacheWrite],
    ['gen_ai.usage.reasoning.output_tokens', tokens.reasoning],
    ['gen_ai.usage.audio.input_tokens', tokens.audioInput],
    ['gen_ai.usage.audio.output_tokens', tokens.audioOutput],
  ];
  return {
    'gen_ai.usage.input_tokens': tokens.input,
    ...(status === 'missing_usage' ? {} : { 'gen_ai.usage.output_tokens': tokens.output }),
    ...Object.fromEntries(counts.filter(([, count]) => count > 0)),
  };
}

function attributesOf(call: SentCall): Record<string, BuilderValue> {
  const given: Readonly<Record<string, BuilderValue | null>> = {
    'gen_ai.operation.name': call.operation,
    'gen_ai.provider.name': call.provider,
    'gen_ai.request.model': call.sentModel ?? call.model,
    'gen_ai.response.id': call.responseId,
    'tenant.id': call.tenant,
    'team.id': call.team,
    'user.id': call.user,
    'session.id': call.session,
    'gen_ai.conversation.id': call.conversation,
    'spanmeter.feature': call.feature,
    'gen_ai.agent.name': call.agent,
    'gen_ai.request.stream': call.streaming ? true : null,
    'gen_ai.response.time_to_first_chunk': call.ttftMs === null ? null : call.ttftMs / 1_000,
    'error.type': call.error,
    'spanmeter.batch': call.batch ? true : null,
    'sampling.ratio': call.sampled ? 0.5 : null,
    'gen_ai.usage.cost': call.reported === null ? null : Number(call.reported) / 1e12,
    ...(call.usageAttributes ?? usageOf(call)),
  };
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, BuilderValue] => entry[1] !== null),
  );
}

/** The calls as spans of their services. */
export function asOtlp(calls: readonly SentCall[]): readonly BuilderGroup[] {
  return [...groupCalls(calls).values()].map((group) => ({
    resource: {
      'service.name': group[0]!.service,
      'deployment.environment.name': group[0]!.environment,
    },
    scope: { name: 'proof' },
    spans: group.map((call) => ({
      traceId: call.traceId,
      spanId: call.spanId,
      ...(call.parentSpanId === null ? {} : { parentSpanId: call.parentSpanId }),
      name: `${call.operation} ${call.model}`,
      startUnixNano: BigInt(call.startedMs) * 1_000_000n,
      endUnixNano: BigInt(call.startedMs + call.durationMs) * 1_000_000n,
      attributes: attributesOf(call),
      ...(call.error === null ? {} : { statusCode: 2 }),
    })),
  }));
}

function groupCalls(calls: readonly SentCall[]): Map<string, SentCall[]> {
  const groups = new Map<string, SentCall[]>();
  for (const call of calls) {
    const key = JSON.stringify([call.service, call.environment]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [call]);
    else group.push(call);
  }
  return groups;
}
