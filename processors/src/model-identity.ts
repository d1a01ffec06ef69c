import { providerOfHost } from './hosts.ts';
import { canonicalProvider } from './providers.ts';
import type { SpanFields } from './span-fields.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';

/** Which model answered, and where. */
export interface ModelIdentity {
  /** Canonical provider id, or `unknown`. */
  readonly provider: string;
  /** True where the server's address, not the span's provider attribute, told the provider. */
  readonly providerFromHost: boolean;
  readonly requestModel: string | null;
  readonly responseModel: string | null;
  readonly responseId: string | null;
}

/** Bound on remembered spellings, so that made-up names cost time, not memory. */
const MAX_REMEMBERED = 2000;

function storable(text: string | null): string | null {
  if (text === null) return null;
  const value = storableText(text.trim(), MAX_DIMENSION_BYTES);
  return value === '' ? null : value;
}

/** Makes a reader of provider, models and response id. */
export function identityReader(
  fields: SpanFields,
): (attributes: Record<string, string | number | boolean>) => ModelIdentity {
  const provider = fields.slot('provider');
  const serverAddress = fields.slot('serverAddress');
  const requestModel = fields.slot('requestModel');
  const responseModel = fields.slot('responseModel');
  const responseId = fields.slot('responseId');
  const remembered = new Map<string, string | null>();

  const canonical = (named: string): string | null => {
    const known = remembered.get(named);
    if (known !== undefined) return known;
    const value = canonicalProvider(storableText(named, MAX_DIMENSION_BYTES));
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    if (named.length <= MAX_DIMENSION_BYTES) remembered.set(named, value);
    return value;
  };

  return (attributes) => {
    const named = fields.text(provider);
    const stated = named === null ? null : canonical(named);
    if (named !== null && stated === null) {
      attributes[fields.key(provider)] = storableText(named, MAX_DIMENSION_BYTES);
    }
    // Instrumentations of the OpenAI SDK say `openai` wherever its base URL points; a host that we know to be
    // another provider's is surer.
    const address = fields.text(serverAddress);
    const host =
      address !== null && (stated === null || stated === 'openai') ? providerOfHost(address) : null;
    const resolved = host ?? stated;
    return {
      provider: resolved ?? 'unknown',
      providerFromHost: host !== null && host !== stated,
      requestModel: storable(fields.text(requestModel)),
      responseModel: storable(fields.text(responseModel)),
      responseId: storable(fields.text(responseId)),
    };
  };
}
