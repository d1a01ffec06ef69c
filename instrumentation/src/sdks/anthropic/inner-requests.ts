import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { AdapterHost, Beside } from '../../adapter.ts';
import { putString, type Json } from '../../json.ts';
import { ATTR_REQUEST_MODEL, ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { iterationsOf, putMessageUsage } from './message-usage.ts';
import { declinedAttempts } from './refusals.ts';

/** What holds for every request that the provider made for one of the app's. */
const SHARED: Readonly<Record<string, string>> = {
  service_tier: 'anthropic.response.service_tier',
  inference_geo: 'anthropic.usage.inference_geo',
};

/**
 * Tells of the requests that the provider made to other models within one of the app's: to a stronger one for advice
 * (the advisor tool), and to those that declined before a fallback. They are billed by their own model's prices and
 * left out of the response's totals, so each is a call of its own, with the attributes of `more`. `message` holds at
 * least the blocks of fallbacks.
 */
export function tellInnerRequests(
  host: AdapterHost,
  beside: Beside,
  message: Json,
  usage: Json,
  more: Attributes = {},
): void {
  // Most calls have none; looking for them all the same costs each of those a microsecond.
  if (!Array.isArray(usage['iterations'])) return;
  const tell = (request: Json, name: string, shared: Readonly<Record<string, string>>): void => {
    const attributes = { ...beside('chat', request['model']), ...more };
    const model = attributes[ATTR_REQUEST_MODEL];
    if (typeof model !== 'string') return;
    attributes[ATTR_RESPONSE_MODEL] = model;
    // The API gives these requests no id; this one is stable, so that copies of a span can be told.
    if (typeof message['id'] === 'string') attributes[ATTR_RESPONSE_ID] = `${message['id']}/${name}`;
    putMessageUsage(attributes, request, true);
    for (const field in shared) putString(attributes, shared[field] ?? field, usage[field]);
    host.startSpan({ name: `chat ${model}`, kind: SpanKind.CLIENT, attributes })?.end();
  };
  for (const [index, advice] of iterationsOf(usage, 'advisor_message').entries()) {
    tell(advice, `advisor/${index}`, SHARED);
  }
  const declined = declinedAttempts(usage['iterations'], message['content']);
  // As fast as the answer: a fallback is asked at the speed of the request.
  const asAnswered = { ...SHARED, speed: 'anthropic.usage.speed' };
  for (const [index, attempt] of declined.entries()) tell(attempt, `declined/${index}`, asAnswered);
}
