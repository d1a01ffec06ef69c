import type { Conditions } from './call.ts';
import { regionOfHost } from './hosts.ts';
import type { SpanFields } from './span-fields.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';

const NO_CONDITIONS: Conditions = {};

type Writable = { -readonly [name in keyof Conditions]: Conditions[name] };

function lower(text: string | null): string | null {
  if (text === null) return null;
  const value = storableText(text.trim().toLowerCase(), MAX_DIMENSION_BYTES);
  return value === '' ? null : value;
}

/** `auto` asks for whatever tier there is; it names no rate. */
function tier(text: string | null): string | null {
  const value = lower(text);
  return value === 'auto' ? null : value;
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

  return (provider) => {
    const found: Writable = {};
    let any = false;
    const keep = (name: Exclude<keyof Conditions, 'batch'>, value: string | null): void => {
      if (value === null) return;
      found[name] = value;
      any = true;
    };
    // The tier that served the call is billed; the requested one only where the response does not say.
    keep('serviceTier', tier(fields.text(responseTier)) ?? tier(fields.text(requestTier)));
    keep('speed', lower(fields.text(speed)));
    keep('inferenceGeo', lower(fields.text(inferenceGeo)));
    keep('searchContextSize', lower(fields.text(searchContextSize)));
    const address = lower(fields.text(serverAddress));
    keep('serverAddress', address);
    const stated = address === null ? null : regionOfHost(provider, address);
    keep('region', stated ?? lower(fields.text(region)));
    const batched = fields.value(batch);
    if (batched === true || batched === 'true') {
      found.batch = true;
      any = true;
    }
    return any ? found : NO_CONDITIONS;
  };
}
