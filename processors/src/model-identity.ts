import type { Call } from './call.ts';
import type { SpanFields } from './dialects/index.ts';
import { providerOfHost } from './hosts.ts';
import type { KeptAttributes } from './kept-attributes.ts';
import { canonicalProvider } from './providers.ts';
import { remembered } from './remembered.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';

const MAX_REMEMBERED = 2000;

/** Vendors whose SDKs are pointed at clouds and compatible servers too. */
const OWN_SDK: ReadonlySet<string> = new Set(['openai', 'anthropic', 'mistral_ai', 'cohere']);

/** Clouds of Azure's with price lists of their own. */
const AZURE_CLOUDS: ReadonlySet<string> = new Set(['azure.us_government', 'azure.china']);

function storable(text: string | null): string | null {
  if (text === null) return null;
  const value = storableText(text.trim(), MAX_DIMENSION_BYTES);
  return value === '' ? null : value;
}

/** Makes a reader of provider, models and response id, which it writes into the call. */
export function identityReader(fields: SpanFields): (call: Call, kept: KeptAttributes) => void {
  const provider = fields.slot('provider');
  const serverAddress = fields.slot('serverAddress');
  const requestModel = fields.slot('requestModel');
  const responseModel = fields.slot('responseModel');
  const responseId = fields.slot('responseId');
  const canonical = remembered(
    (named) => canonicalProvider(storableText(named, MAX_DIMENSION_BYTES)),
    MAX_REMEMBERED,
  );
  const hostProvider = remembered(providerOfHost, MAX_REMEMBERED);

  return (call, kept) => {
    const named = fields.text(provider);
    const stated = named === null ? null : canonical(named);
    if (named !== null && stated === null) {
      kept.set(fields.key(provider), storableText(named, MAX_DIMENSION_BYTES));
    }
    // Instrumentations of an SDK name its vendor wherever its base URL points; a host that we know to be another
    // provider's is surer.
    // Google's SDK says `gemini` or `gen_ai` on Vertex too, which is priced by its location.
    const isGoogle = stated === 'gcp.gemini' || stated === 'gcp.gen_ai';
    // And Azure's client is the same in all of its clouds.
    const isAzure = stated === 'azure.ai.openai' || stated === 'azure.ai.inference';
    const address =
      stated === null || isGoogle || isAzure || OWN_SDK.has(stated) ? fields.text(serverAddress) : null;
    const found = address === null ? null : hostProvider(address);
    const isOther = (isGoogle && found !== 'gcp.vertex_ai') || (isAzure && !AZURE_CLOUDS.has(found ?? ''));
    const host = isOther ? null : found;
    call.provider = host ?? stated ?? 'unknown';
    if (host !== null && host !== stated) call.attribution = { provider: 'mapping' };
    call.requestModel = storable(fields.text(requestModel));
    call.responseModel = storable(fields.text(responseModel));
    call.model = call.responseModel ?? call.requestModel ?? 'unknown';
    call.responseId = storable(fields.text(responseId));
  };
}
