import { SpanKind } from '@opentelemetry/api';
import type { AdapterHost, Beside } from '../../adapter.ts';
import { putString, type Json } from '../../json.ts';
import { ATTR_REQUEST_MODEL, ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { iterationsOf, putMessageUsage } from './message-usage.ts';

/**
 * Tells of the requests that the provider made to a stronger model within one of the app's (the advisor tool):
 * they are billed by their own model's prices and left out of the response's totals, so each is a call of its own.
 * Models that declined before a fallback are in the iterations too, but are not billed.
 */
export function tellAdvisors(host: AdapterHost, beside: Beside, id: unknown, usage: Json): void {
  for (const [index, iteration] of iterationsOf(usage, 'advisor_message').entries()) {
    const attributes = beside('chat', iteration['model']);
    const model = attributes[ATTR_REQUEST_MODEL];
    if (typeof model !== 'string') continue;
    attributes[ATTR_RESPONSE_MODEL] = model;
    // The API gives these requests no id; this one is stable, so that copies of a span can be told.
    if (typeof id === 'string') attributes[ATTR_RESPONSE_ID] = `${id}/advisor/${index}`;
    putMessageUsage(attributes, iteration, true);
    for (const name of ['service_tier', 'inference_geo']) {
      const key = name === 'service_tier' ? 'anthropic.response.service_tier' : `anthropic.usage.${name}`;
      putString(attributes, key, usage[name]);
    }
    host.startSpan({ name: `chat ${model}`, kind: SpanKind.CLIENT, attributes })?.end();
  }
}
