import type { Attributes } from '@opentelemetry/api';
import { asObject, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { UsageSum } from './model-usage.ts';

/** Reads who answered, and why the answer ended. */
export function putAnswer(attributes: Attributes, message: Json | undefined, info: Json | undefined): void {
  const metadata = asObject(message?.['response_metadata']);
  putString(attributes, ATTR_RESPONSE_ID, metadata?.['id'] ?? message?.['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, metadata?.['model_name'] ?? metadata?.['model']);
  const reason = metadata?.['finish_reason'] ?? metadata?.['stop_reason'] ?? info?.['finish_reason'];
  putFinishReason(attributes, reason);
}

/** The first answer to each prompt of a result. */
export function firstAnswers(result: unknown): Json[] {
  const prompts = asObject(result)?.['generations'];
  if (!Array.isArray(prompts)) return [];
  const firsts = prompts.map((answers) => asObject(Array.isArray(answers) ? answers[0] : undefined));
  return firsts.filter((first) => first !== undefined);
}

/** Completions of plain text tell their counts beside the answers. */
function outputUsage(result: unknown): Json | undefined {
  const told = asObject(asObject(asObject(result)?.['llmOutput'])?.['tokenUsage']);
  if (told === undefined) return undefined;
  return { input_tokens: told['promptTokens'], output_tokens: told['completionTokens'] };
}

/** What a result tells, with the usage of all its prompts. */
export function responseOf(result: unknown, provider: unknown): Attributes {
  const attributes: Attributes = {};
  const usage = new UsageSum(provider);
  const answers = firstAnswers(result);
  let told = false;
  for (const answer of answers) {
    const message = asObject(answer['message']);
    told ||= message?.['usage_metadata'] !== undefined;
    usage.add(message?.['usage_metadata']);
  }
  if (!told) usage.add(outputUsage(result));
  const [only] = answers;
  if (answers.length === 1)
    putAnswer(attributes, asObject(only?.['message']), asObject(only?.['generationInfo']));
  usage.put(attributes);
  return attributes;
}
