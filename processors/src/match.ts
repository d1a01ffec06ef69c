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
const ARN = /^arn:aws[a-z-]*:bedrock:([a-z0-9-]*):[0-9]*:(foundation-model|inference-profile)\/(.+)$/;
const GOOGLE_RESOURCE = /^(?:projects\/[^/]+\/locations\/([^/]+)\/)?publishers\/[^/]+\/models\/(.+)$/;
const DATE_SUFFIX = /[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6})$/;
/** `anthropic.claude-opus-4-5-20251101-v1:0`: Bedrock writes a version after the date. */
const BEDROCK_DATED = /^(anthropic\..+?)(?:-20\d{6})?(?:-v\d+(?::\d+)?)?$/;
/** Google numbers the stable versions of a model: `gemini-2.0-flash-001`. */
const GOOGLE_VERSION = /-00\d$/;

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
    (other === 'anthropic' && seller === 'google') ||
    (other === 'openai' && seller === 'azure')
  );
}

function bedrockNames(name: string): NameCandidate[] {
  const arn = ARN.exec(name);
  const id = arn?.[3] ?? name;
  const stripped = id.replace(/:\d+k$/, '');
  const profile = PROFILE.exec(stripped)?.[1] ?? null;
  const names: NameCandidate[] = [{ name: stripped, profile: profile === null ? null : '' }];
  const regional = arn === null ? null : profileOfRegion(arn[1] ?? '');
  if (profile !== null)
    names.push({ name: stripped.slice(profile.length + 1), profile: profile === 'ap' ? 'apac' : profile });
  else if (regional !== null) return [{ name: stripped, profile: regional }];
  return names;
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
  if (seller === 'google' && GOOGLE_VERSION.test(name))
    found.push({ name: name.replace(GOOGLE_VERSION, ''), profile });
  return found;
}

/**
 * The names that a model on a span can stand for on a seller's price list. Only wrappers are taken off (case
 * and spaces, resource names, `models/`, a vendor's `openai/`, `[1m]`, `@date`, ARNs, inference profiles, the
 * owner of a fine-tuned model): never the end of a name, a date apart.
 */
export function modelNames(seller: string, model: string): ModelNames {
  let name = model
    .trim()
    .toLowerCase()
    .replace(/\[1m\]$/, '')
    .trim();
  const resource = GOOGLE_RESOURCE.exec(name);
  if (resource !== null) name = resource[2] ?? name;
  const location = resource?.[1] ?? null;

  const plain: string[] = [name];
  if (name.startsWith('models/')) plain.push(name.slice('models/'.length));
  const slash = name.indexOf('/');
  if (slash > 0 && isVendorPrefix(name.slice(0, slash), seller)) plain.push(name.slice(slash + 1));
  for (const each of plain.slice()) {
    const tuned = /^ft:([^:]+):/.exec(each)?.[1] ?? /^(.+)\.ft-[^.]+$/.exec(each)?.[1];
    if (tuned !== undefined) plain.push(`ft:${tuned}`);
    const version = /^(.+)@(default|latest|\d{8})$/.exec(each);
    if (version !== null)
      plain.push(/^\d/.test(version[2] ?? '') ? `${version[1]}-${version[2]}` : `${version[1]}`);
  }
  const exact = plain.flatMap((each) =>
    seller === 'aws.bedrock'
      ? bedrockNames(each)
      : seller === 'azure'
        ? azureNames(each)
        : [{ name: each, profile: null }],
  );
  return { exact, undated: exact.flatMap((each) => undatedNames(seller, each)), location };
}
