import type { Attributes } from '@opentelemetry/api';
import { asObject, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { putMessageUsage } from './message-usage.ts';
import { uncharge } from './refusals.ts';

/** Puts which message it is and which model wrote it. */
export function putIdentity(attributes: Attributes, message: Json): void {
  putString(attributes, ATTR_RESPONSE_ID, message['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, message['model']);
}

/** Attributes of a whole message of the Messages API, whoever delivers it. */
export function messageResponse(parsed: unknown): Attributes {
  const message = asObject(parsed);
  const attributes: Attributes = {};
  if (message === undefined) return attributes;
  putIdentity(attributes, message);
  putMessageUsage(attributes, asObject(message['usage']), true);
  putFinishReason(attributes, message['stop_reason']);
  uncharge(attributes, message);
  return attributes;
}
