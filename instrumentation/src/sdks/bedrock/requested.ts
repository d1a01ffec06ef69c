import type { Attributes } from '@opentelemetry/api';
import type { Operation } from '../../adapter.ts';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import {
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_RESEND_COUNT,
  ATTR_RESPONSE_ID,
} from '../../semconv.ts';

/** Attributes that every request to a model of Bedrock has: a model, a profile or the ARN of either. */
export function requested(input: Json, operation: Operation): Attributes {
  const attributes: Attributes = { [ATTR_OPERATION]: operation, [ATTR_PROVIDER]: 'aws.bedrock' };
  putString(attributes, ATTR_REQUEST_MODEL, input['modelId']);
  const guardrail = asObject(input['guardrailConfig']) ?? input;
  putString(attributes, 'aws.bedrock.guardrail.id', guardrail['guardrailIdentifier']);
  const tier = input['serviceTier'];
  putString(attributes, 'aws.bedrock.request.service_tier', asObject(tier)?.['type'] ?? tier);
  return attributes;
}

/** Puts the id of the request, which stands for that of a response, and how often it was sent again. */
export function putResponseId(attributes: Attributes, output: Json): void {
  const metadata = asObject(output['$metadata']);
  putString(attributes, ATTR_RESPONSE_ID, metadata?.['requestId']);
  const attempts = metadata?.['attempts'];
  if (typeof attempts === 'number' && attempts > 1) putNumber(attributes, ATTR_RESEND_COUNT, attempts - 1);
}
