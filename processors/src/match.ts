import { canonicalProvider, sellerOf } from './providers.ts';

/** A name to look a model up by, with the Bedrock profile or Azure Data Zone that was cut off it. */
export interface NameCandidate {
  readonly name: string;
  /** `us`, `eu`, `apac` …; null where the name says none, empty where it is part of the name looked up. */
  readonly profile: string | null;
}

/** What a model's name on a span can stand for, in the order in which it is looked up. */
export interface ModelNames {
  readonly exact: readonly NameCandidate[];
  /** The same without a date suffix: a dated snapshot of a model whose date we have no price for. */
  readonly undated: readonly NameCandidate[];
  /** The Google Cloud location that a full resource name states. */
  readonly location: string | null;
}

const PROFILE = /^(us-gov|us|eu|apac|ap|global|au|jp|ca|in|sa|me|af|uk|mx)\.(?=[a-z0-9-]+\.)/;
/** Of the resources that an ARN can name only these two say which model it is. */
const ARN = /^arn:aws[a-z-]*:bedrock:([a-z0-9-]*):[0-9]*:(foundation-model|inference-profile)\/(.+)$/;
/** LiteLLM's `bedrock/us-east-1/anthropic…`, `converse/anthropic…`. */
const AWS_REGION_PATH = /^([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d)\/(.+)$/;
const BEDROCK_ROUTE = /^(?:converse|converse_like|invoke)\//;
/** The whole name of a resource, or the URL of a call to it. */
const GOOGLE_HOST = /^(?:https:)?\/\/[a-z0-9.-]+\.googleapis\.com\/(?:v\d+[a-z0-9]*\/)?/;
const GOOGLE_METHOD = /:(?:stream)?(?:generatecontent|rawpredict)$|:predict$/;
const GOOGLE_RESOURCE = /^(?:projects\/[^/]+\/locations\/([^/]+)\/)?publishers\/[^/]+\/models\/([^/]+)$/;
/** Whole dates only: `-0613` and `-2512` are names, which a list has or has not. */
const DATE_SUFFIX = /[-@]20\d{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])$/;
/** `anthropic.claude-opus-4-5-20251101-v1:0`: Bedrock writes a version after the date. */
const BEDROCK_DATED = /^(anthropic\..+?)(?:-20\d{6})?(?:-v\d+(?::\d+)?)?$/;
/** Google numbers the stable versions of a Gemini model, which cost the same: `gemini-2.0-flash-001`. */
const GOOGLE_VERSION = /^(gemini-.+)-00\d$/;
/** Names of a longer context window, which the tiers of a price tell apart anyway: Claude Code's `[1m]`. */
const CONTEXT_SUFFIX = /\[\d{1,4}[km]\]$/;
const CLAUDE_CONTEXT = /^(.*claude-.+)-1m$/;

/** A Bedrock id without the inference profile in front of it. */
export function withoutProfile(name: string): string {
  const profile = PROFILE.exec(name)?.[1];
  return profile === undefined ? name : name.slice(profile.length + 1);
}

/** The profile that prices of an AWS region follow. */
export function profileOfRegion(region: string): string | null {
  if (region.startsWith('us-gov-')) return 'us-gov';
  if (region.startsWith('ap-')) return 'apac';
  return /^[a-z]{2}(?=-)/.exec(region)?.[0] ?? null;
}

/** True where `prefix/` in front of a model only repeats who sells or makes it. */
function isVendorPrefix(prefix: string, seller: string): boolean {
  const provider = canonicalProvider(prefix);
  if (provider === null) return false;
  const other = sellerOf(provider);
  return (
    other === seller ||
    (other === 'anthropic' && (seller === 'google' || seller === 'azure')) ||
    (other === 'openai' && seller === 'azure')
  );
}

/** The same id with and without the revision `:0`, which callers add and leave out. */
function revisions(id: string): string[] {
  if (id.endsWith(':0')) return [id, id.slice(0, -2)];
  return /-v\d+$/.test(id) ? [id, `${id}:0`] : [id];
}

function bedrockNames(name: string): NameCandidate[] {
  const path = AWS_REGION_PATH.exec(name.replace(BEDROCK_ROUTE, ''));
  const plain = path?.[2] ?? name.replace(BEDROCK_ROUTE, '');
  const arn = ARN.exec(plain);
  const id = (arn?.[3] ?? plain).replace(/:\d+k$/, '');
  const profile = PROFILE.exec(id)?.[1] ?? null;
  const region = path?.[1] ?? arn?.[1] ?? '';
  if (profile === null) {
    const regional = region === '' ? null : profileOfRegion(region);
    return revisions(id).map((each) => ({ name: each, profile: regional }));
  }
  const bare = id.slice(profile.length + 1);
  return [
    ...revisions(id).map((each) => ({ name: each, profile: '' })),
    ...revisions(bare).map((each) => ({ name: each, profile: profile === 'ap' ? 'apac' : profile })),
  ];
}

/** `eu/gpt-5.4`: a deployment of a Data Zone, as a deployments map may say; `global/` is the ordinary one. */
function azureNames(name: string): NameCandidate[] {
  const zone = /^(global|us|eu|apac)\/(.+)$/.exec(name);
  if (zone === null) return [{ name, profile: null }];
  return [
    { name, profile: '' },
    { name: zone[2] ?? name, profile: zone[1] === 'global' ? null : (zone[1] ?? null) },
  ];
}

function undatedNames(seller: string, candidate: NameCandidate): NameCandidate[] {
  const { name, profile } = candidate;
  const found: NameCandidate[] = [];
  const withoutDate = name.replace(DATE_SUFFIX, '');
  if (withoutDate !== name) found.push({ name: withoutDate, profile });
  if (seller === 'aws.bedrock') {
    const geo = name.startsWith('global.') ? 'global.' : '';
    const base = BEDROCK_DATED.exec(name.slice(geo.length))?.[1];
    if (base !== undefined && geo + base !== name) found.push({ name: geo + base, profile });
  }
  const numbered = seller === 'google' ? GOOGLE_VERSION.exec(name)?.[1] : undefined;
  if (numbered !== undefined) found.push({ name: numbered, profile });
  return found;
}

/** `openai/`, `bedrock/` and `anthropic:` in front of a name, as LiteLLM and LangChain write them. */
function withoutVendor(name: string, seller: string): string | null {
  const end = name.search(/[/:]/);
  return end > 0 && isVendorPrefix(name.slice(0, end), seller) ? name.slice(end + 1) : null;
}

/** What a fine-tuned model is priced as: `ft:base:org:suffix:id`, the older `base:ft-org`, Azure's `base.ft-id`. */
function tunedBase(name: string): string | null {
  const base = /^ft:([^:]+):/.exec(name) ?? /^([^:/]+):ft-/.exec(name) ?? /^(.+)\.ft-[^.]+$/.exec(name);
  return base === null ? null : `ft:${base[1]}`;
}

/** `@20250929`, `@001` and `@default`, which is whatever the name stands for. */
function versioned(name: string): string | null {
  const at = /^(.+)@(default|latest|\d{8}|00\d)$/.exec(name);
  if (at === null) return null;
  return /^\d/.test(at[2] ?? '') ? `${at[1]}-${at[2]}` : `${at[1]}`;
}

function plainNames(seller: string, whole: string): string[] {
  const names: string[] = [whole];
  const context = whole.replace(CONTEXT_SUFFIX, '').trim();
  if (context !== whole) names.push(context);
  // Each rule sees what the earlier ones found.
  const also = (rule: (name: string) => string | null): void => {
    for (const name of names.slice()) {
      const found = rule(name);
      if (found !== null && found !== '' && !names.includes(found)) names.push(found);
    }
  };
  also((name) => (name.startsWith('models/') ? name.slice('models/'.length) : null));
  also((name) => withoutVendor(name, seller));
  if (seller === 'google') also((name) => (name.startsWith('models/') ? name.slice('models/'.length) : null));
  if (seller === 'azure') also((name) => /^global-standard\/(.+)$/.exec(name)?.[1] ?? null);
  also((name) => CLAUDE_CONTEXT.exec(name)?.[1] ?? null);
  also(tunedBase);
  also(versioned);
  return names;
}

/** No name of a model is longer, ARNs and resource names included. */
export const MAX_MODEL_NAME = 1024;
const NO_NAMES: ModelNames = { exact: [], undated: [], location: null };

/**
 * The names that a model on a span can stand for on a seller's price list. Only wrappers are taken off (case
 * and spaces, resource names, `models/`, a vendor's `openai/`, `[1m]`, `@date`, ARNs, inference profiles, the
 * owner of a fine-tuned model): never the end of a name, a date apart. A router's variants (`:free`, `:online`)
 * are names of their own.
 */
export function modelNames(seller: string, model: string): ModelNames {
  if (model.length > MAX_MODEL_NAME) return NO_NAMES;
  let name = model.trim().toLowerCase();
  let location: string | null = null;
  if (seller === 'google') {
    name = (withoutVendor(name, seller) ?? name).replace(GOOGLE_HOST, '').replace(GOOGLE_METHOD, '');
    const resource = GOOGLE_RESOURCE.exec(name);
    location = resource?.[1] ?? null;
    name = resource?.[2] ?? name;
  }
  const plain = plainNames(seller, name);
  const exact = plain.flatMap((each) =>
    seller === 'aws.bedrock'
      ? bedrockNames(each)
      : seller === 'azure'
        ? azureNames(each)
        : [{ name: each, profile: null }],
  );
  return { exact, undated: exact.flatMap((each) => undatedNames(seller, each)), location };
}
