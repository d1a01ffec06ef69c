import type { Conditions } from './call.ts';
import type { SpanFields } from './dialects/index.ts';
import { readFlag } from './flag.ts';
import { regionOfHost } from './hosts.ts';
import { remembered } from './remembered.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';

const NO_CONDITIONS: Conditions = {};
const MAX_REMEMBERED = 1000;

/** Providers whose spans' region attribute is where the model ran; with others it is where the app runs. */
const CLOUDS: ReadonlySet<string> = new Set([
  'gcp.vertex_ai',
  'aws.bedrock',
  'azure.ai.openai',
  'azure.ai.inference',
]);

function lower(text: string | null): string | null {
  if (text === null) return null;
  const value = storableText(text.trim().toLowerCase(), MAX_DIMENSION_BYTES);
  return value === '' ? null : value;
}

/** What Google's APIs write around a tier: `ON_DEMAND_PRIORITY`, `SERVICE_TIER_FLEX`. */
const TIER_WRAPPER = /^(?:on_demand_|service_tier_)(?=[a-z])/;

/** `auto` asks for whatever tier there is, and `unspecified` for none; they name no rate. */
function tier(text: string | null): string | null {
  const value = lower(text)?.replace(TIER_WRAPPER, '') ?? null;
  return value === 'auto' || value === 'unspecified' ? null : value;
}

/** What an address alone says; nearly every span's conditions are one of these few objects. */
function conditionsOfAddress(provider: string): (address: string) => Conditions {
  return remembered((address) => {
    const serverAddress = lower(address);
    if (serverAddress === null) return NO_CONDITIONS;
    const region = regionOfHost(provider, serverAddress);
    return { serverAddress, ...(region === null ? {} : { region }) };
  }, MAX_REMEMBERED);
}

/** Makes a reader of what a span says about the conditions of its price, besides usage and time. */
export function conditionsReader(fields: SpanFields): (provider: string) => Conditions {
  const responseTier = fields.slot('responseTier');
  const requestTier = fields.slot('requestTier');
  const batch = fields.slot('batch');
  const speed = fields.slot('speed');
  const inferenceGeo = fields.slot('inferenceGeo');
  const region = fields.slot('region');
  const serverAddress = fields.slot('serverAddress');
  const searchContextSize = fields.slot('searchContextSize');
  const byProvider = remembered(conditionsOfAddress, MAX_REMEMBERED);

  return (provider) => {
    const address = fields.text(serverAddress);
    const base = address === null ? NO_CONDITIONS : byProvider(provider)(address);
    // The tier that served the call is billed; the requested one only where the response does not say.
    const served = tier(fields.text(responseTier)) ?? tier(fields.text(requestTier));
    const fast = lower(fields.text(speed));
    const geo = lower(fields.text(inferenceGeo));
    const search = lower(fields.text(searchContextSize));
    const place = base.region === undefined && CLOUDS.has(provider) ? lower(fields.text(region)) : null;
    const batched = readFlag(fields.value(batch)) === true;
    if (served === null && fast === null && geo === null && search === null && place === null && !batched) {
      return base;
    }
    return {
      ...base,
      ...(served === null ? {} : { serviceTier: served }),
      ...(fast === null ? {} : { speed: fast }),
      ...(geo === null ? {} : { inferenceGeo: geo }),
      ...(search === null ? {} : { searchContextSize: search }),
      ...(place === null ? {} : { region: place }),
      ...(batched ? { batch: true } : {}),
    };
  };
}
