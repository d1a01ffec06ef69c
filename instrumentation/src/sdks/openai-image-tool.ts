import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { AdapterHost, Beside, Operation } from '../adapter.ts';
import { asObject, objectsIn, type Json } from '../json.ts';
import { openaiRequest } from './openai-client.ts';
import { putImageUsage } from './openai-images.ts';
import { putTokenUsage } from './openai-usage.ts';

/** Where a resource of OpenAI's SDK asks. */
export function besideOf(resource: unknown): Beside {
  return (operation, model) => openaiRequest(resource, { model }, operation, 'openai');
}

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

function usageIn(told: unknown): Json | undefined {
  const usage = asObject(told);
  return Number(usage?.['total_tokens']) > 0 ? usage : undefined;
}

function tell(host: AdapterHost, operation: Operation, model: unknown, attributes: Attributes): void {
  const name = typeof model === 'string' ? `${operation} ${model}` : operation;
  host.startSpan({ name, kind: SpanKind.CLIENT, attributes })?.end();
}

/**
 * Tells of the images that a response made by its tool, in spans of their own: they are charged at the prices of
 * other models, and are no part of the response's usage.
 */
export function tellImages(host: AdapterHost, beside: Beside, response: Json): void {
  for (const item of objectsIn(response['output'])) tellDrawing(host, beside, item);
  const usage = usageIn(asObject(response['tool_usage'])?.['image_gen']);
  if (usage === undefined) return;
  const model = imageTool(response)?.['model'];
  const attributes = beside('image_generation', model);
  putImageUsage(attributes, usage, model);
  tell(host, 'image_generation', model, attributes);
}

/** Tells of what a model wrote for a drawing (SVG), which the usage of the image leaves out. */
export function tellDrawing(host: AdapterHost, beside: Beside, image: Json): void {
  const usage = usageIn(image['svg_usage']);
  if (usage === undefined) return;
  const { model, reasoning_tokens } = usage;
  const attributes = beside('chat', model);
  putTokenUsage(attributes, { ...usage, output_tokens_details: { reasoning_tokens } }, model);
  tell(host, 'chat', model, attributes);
}
