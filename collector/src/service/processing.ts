import {
  createAttribution,
  createCost,
  createCountOnce,
  createNormalizer,
  createTenantOf,
  createUsageEstimator,
  estimateKeys,
  WANTED_KEYS,
  type EstimateMode,
  type GenAiSpan,
  type PriceOverrides,
  type RecordContext,
  type TenantBooks,
  type Rememberable,
  type TokenCounter,
  type UsageEstimator,
} from '@spanmeter/processors';
import type { ComponentMap, Config, PipelineConfig } from '../config/config.ts';
import { createSpanDecoder } from '../otlp/span.ts';
import type { ProcessingChain } from '../pipeline/batch.ts';
import type { ComponentType } from '../pipeline/component.ts';
import type { SpanOffsets } from '../pipeline/entry.ts';
import { cost } from '../processors/cost.ts';
import { genAiNormalizer } from '../processors/gen-ai-normalizer.ts';
import { tenant } from '../processors/tenant.ts';

/** A database that is away must not keep spans from the exporters that need none. */
const MAX_RECALL_WAIT_MS = 5_000;

/** The pure part of the worker: bytes in, priced calls out. */
export interface Processing {
  readonly chain: ProcessingChain;
  decode(body: Uint8Array, offsets: SpanOffsets): readonly GenAiSpan[];
  /** The tenant of a span that cannot become a call; without a span, that of its request. */
  readonly tenantOf: (context: RecordContext, span: GenAiSpan | null) => string;
  /** Fills the window of twins from the store; the first batch waits for it, for a while. */
  recallCalls(read: (windowMs: number, maxCalls: number) => Promise<readonly Rememberable[]>): void;
  /** Tenants that exist already count against `max_tenants`. */
  knowTenants(ids: Iterable<string>): void;
  /** The books that calls are priced by now. */
  books(): TenantBooks;
  /** Prices what is processed from now on by other layers; returns the version of the operator's book. */
  replacePrices(overrides: PriceOverrides): string;
}

/** Own prices, as far as processing has to know: whether they are known. */
export interface PricesState {
  ready(): Promise<void>;
}

/** The one traces pipeline; the configuration's rules see to it that there is one. */
export function tracesPipeline(config: Config): PipelineConfig {
  const pipeline = config.service.pipelines[0];
  if (pipeline === undefined) throw new Error('the configuration has no pipeline');
  return pipeline;
}

/** The first component of a type among the ids of a list, with its options as that type's schema returned them. */
export function componentOf<O>(
  ids: readonly string[],
  components: ComponentMap,
  type: ComponentType<O>,
): { readonly id: string; readonly options: O } | null {
  for (const id of ids) {
    const component = components.get(id);
    if (component?.type.type === type.type) return { id, options: component.options as O };
  }
  return null;
}

/** Admits declared tenants until there are `max` of them; a known one is always admitted. */
function tenantRegister(max: number): { admit(tenant: string): boolean; know(ids: Iterable<string>): void } {
  const known = new Set<string>();
  return {
    admit(tenant) {
      if (known.has(tenant)) return true;
      if (known.size >= max) return false;
      known.add(tenant);
      return true;
    },
    know(ids) {
      for (const id of ids) known.add(id);
    },
  };
}

/** The estimator of a mode; nothing where estimates are off. */
function estimatorOf(
  mode: EstimateMode,
  tokens: TokenCounter | null,
): { readonly estimator?: UsageEstimator } {
  return mode === 'off' ? {} : { estimator: createUsageEstimator(mode, tokens) };
}

/** Makes the processors of the pipeline, in the order that the configuration's rules require. */
export function createProcessing(
  config: Config,
  retentionMs: number,
  prices: PricesState,
  tokens: TokenCounter | null = null,
): Processing {
  const { processors } = tracesPipeline(config);
  const find = <O>(type: ComponentType<O>): O => {
    const found = componentOf(processors, config.processors, type);
    if (found === null) throw new Error(`the pipeline has no ${type.type}`);
    return found.options;
  };
  const normalizer = find(genAiNormalizer);
  const attribution = find(tenant);
  const { reported_authoritative: reportedAuthoritative, estimate_missing_usage: estimates } = find(cost);
  const wanted = estimateKeys(estimates);
  const register = tenantRegister(attribution.max_tenants);
  const { twin_window: windowMs, twin_window_calls: maxCalls } = normalizer;
  const countOnce = createCountOnce(windowMs === 0 ? {} : { window: { windowMs, maxCalls } });
  let recalled: Promise<void> = Promise.resolve();
  const whose = {
    defaultTenant: attribution.default_tenant,
    admitTenant: (name: string): boolean => register.admit(name),
  };
  const pricing = createCost({
    reportedAuthoritative,
    ...estimatorOf(estimates, tokens),
    earlier: (traceId) => countOnce.earlier(traceId),
  });
  return {
    chain: {
      steps: [
        createNormalizer({ retentionMs }),
        createAttribution({ teams: attribution.teams, ...whose }),
        countOnce,
        pricing,
        // While the batch is at hand, and so that nothing of it is kept until the next one comes.
        () => countOnce.remember(),
      ],
      books: () => pricing.books(),
      async ready() {
        await prices.ready();
        await recalled;
      },
    },
    decode: createSpanDecoder({
      keys: [...WANTED_KEYS.keys, ...wanted.keys],
      prefixes: WANTED_KEYS.prefixes,
      maxValueBytes: normalizer.max_value_bytes,
      ...(estimates === 'content' ? { content: wanted.content } : {}),
    }),
    tenantOf: createTenantOf(whose),
    recallCalls(read) {
      if (windowMs === 0) return;
      const waited = new Promise<void>((done) => setTimeout(done, MAX_RECALL_WAIT_MS).unref());
      const reading = read(windowMs, maxCalls).then((calls) => countOnce.recall(calls));
      recalled = Promise.race([reading, waited]).catch(() => undefined);
    },
    knowTenants: (ids) => register.know(ids),
    books: () => pricing.tenantBooks(),
    replacePrices(overrides) {
      pricing.replaceOverrides(overrides);
      return pricing.version;
    },
  };
}
