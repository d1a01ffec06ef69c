import { SpanKind } from '@opentelemetry/api';
import type { AdapterHost } from '../adapter.ts';
import { asObject, type Json } from '../json.ts';
import { openaiRequest } from './openai-client.ts';
import { putImageUsage } from './openai-images.ts';

/** The tool that makes images, of a request or of a response. */
function imageTool(body: unknown): Json | undefined {
  const tools = asObject(body)?.['tools'];
  if (!Array.isArray(tools)) return undefined;
  return tools.map(asObject).find((tool) => tool?.['type'] === 'image_generation');
}

/** Whether a request lets the model make images. */
export function makesImages(body: unknown): boolean {
  return imageTool(body) !== undefined;
}

/**
 * Tells of the images that a response made by its tool, in a span of their own: they are charged at the prices of
 * another model, and are no part of the response's usage.
 */
export function tellImages(host: AdapterHost, resource: unknown, response: Json): void {
  const usage = asObject(asObject(response['tool_usage'])?.['image_gen']);
  if (usage === undefined || !(Number(usage['total_tokens']) > 0)) return;
  const model = imageTool(response)?.['model'];
  const attributes = openaiRequest(resource, { model }, 'image_generation', 'openai');
  putImageUsage(attributes, usage, model);
  const name = typeof model === 'string' ? `image_generation ${model}` : 'image_generation';
  host.startSpan({ name, kind: SpanKind.CLIENT, attributes })?.end();
}
