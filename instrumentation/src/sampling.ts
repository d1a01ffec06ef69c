import { diagnostics } from './diagnostics.ts';

/** A tracer of the JavaScript SDKs 1.x, 2.x and 3.x, none of which tells its sampler otherwise. */
interface SampledTracer {
  readonly _sampler?: { toString(): string } | undefined;
}

interface Provider {
  getDelegate?: () => unknown;
  getTracer?: (name: string) => SampledTracer;
}

const ratios = new WeakMap<object, { readonly ratio: number | undefined }>();
let warned = false;

/**
 * Which part of all traces `provider` keeps, over 0 and below 1; undefined where it keeps all or does not tell.
 * Anything but all is warned of once. Cheap enough for every call.
 */
export function samplingRatioOf(provider: unknown): number | undefined {
  const actual = delegateOf(provider);
  if (actual === undefined) return undefined;
  const known = ratios.get(actual);
  if (known !== undefined) return known.ratio;
  const ratio = describe(actual);
  ratios.set(actual, { ratio });
  if (ratio !== undefined && !warned) {
    warned = true;
    diagnostics.warn(
      `spanmeter: a sampler keeps ${ratio} of all traces; the calls in the others are not seen, nor their cost`,
    );
  }
  return ratio;
}

function delegateOf(provider: unknown): Provider | undefined {
  if (typeof provider !== 'object' || provider === null) return undefined;
  const delegate = (provider as Provider).getDelegate?.() ?? provider;
  return typeof delegate === 'object' ? delegate : undefined;
}

function describe(provider: Provider): number | undefined {
  try {
    // A proxy that has no delegate yet gives a tracer without a sampler, and is asked again once it has one.
    const sampler = provider.getTracer?.('@spanmeter/instrumentation/sampling')._sampler;
    return sampler === undefined ? undefined : ratioIn(sampler.toString());
  } catch {
    return undefined;
  }
}

const WRAPPERS: readonly RegExp[] = [
  /^ParentBased\{root=(.*), remoteParentSampled=/,
  /^AlwaysRecordSampler\{(.*)\}$/,
];

/** The ratio in a sampler's description; of one that heeds parents, that of traces that begin here. */
function ratioIn(description: string): number | undefined {
  for (const wrapper of WRAPPERS) {
    const inner = wrapper.exec(description)?.[1];
    if (inner !== undefined) return ratioIn(inner);
  }
  if (description === 'AlwaysOnSampler') return undefined;
  const ratio = Number(/^TraceIdRatioBased\{([\d.e-]+)\}$/.exec(description)?.[1]);
  if (ratio >= 1) return undefined;
  if (ratio > 0) return ratio;
  diagnostics.warn(`spanmeter: the sampler ${description} drops calls, and with them what they cost`);
  return undefined;
}
