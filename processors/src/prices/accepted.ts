import type { AcceptedFinding } from '../price-check.ts';

function difference(subject: string, reason: string): AcceptedFinding {
  return { kind: 'difference', subject, reason };
}

function map(subject: string, reason: string): AcceptedFinding {
  return { kind: 'map', subject, reason };
}

/** Prices of ours that differ from the base's on purpose. */
const DIFFERENCES: readonly AcceptedFinding[] = [
  difference(
    'deepseek deepseek-*',
    'the base has no hours of change, no weekdays and stops at 2025 for old ids',
  ),
  difference('openai o3 cache_read_mtok', 'the base has the later cached rate before the cut'),
  difference('openai gpt-4o-audio-preview *_audio_mtok', 'the base has no audio rates'),
  difference('mistral_ai mistral-small-latest *', 'the base lacks the move of the alias to Small 4'),
  difference(
    'x_ai grok-4.20*',
    'the base lacks the cut of 2026-04-30 on one of the two and its date on the other',
  ),
  difference('azure phi-*', 'two newer tables agree against the base'),
  difference('azure o4-mini cache_read_mtok', 'the base rounds'),
  difference('fireworks_ai gpt-oss-120b cache_read_mtok', 'dated change after the base was made'),
  difference('fireworks_ai kimi-k3-us *', 'dated change after the base was made'),
];

/** Prices of LiteLLM's map that we do not follow, as of version 1.109.1. */
const MAP: readonly AcceptedFinding[] = [
  map(
    'bedrock_converse anthropic.claude-*',
    'the map has the global price under plain names; AWS bills the region',
  ),
  map(
    'bedrock_converse *.amazon.nova-2-lite-v1:0 *',
    'base and the map of August agree on 0.33 in every profile',
  ),
  map('bedrock_converse amazon.nova-2-lite-v1:0 *', 'plain names stand for a region, at 0.33'),
  map('bedrock bedrock/*', 'single region and mode at once: the rounded product differs in the third digit'),
  map(
    'openai gpt-4o*-transcribe* input_cost_per_audio_token',
    'the map repeats the text rate; the page has 6 and 3',
  ),
  map('openai gpt-4o-mini-tts* output_cost_per_token', 'its output is audio, at 12'),
  map('azure azure/gpt-4o-mini-tts output_cost_per_token', 'its output is audio, at 12'),
  map('azure azure/eu/*', 'cached rates that the map shows rounded'),
  map('azure azure/us/*', 'cached rates that the map shows rounded'),
  map('azure azure/text-embedding-*', 'the map has the regional price; Global Standard is 0.13, 0.02, 0.10'),
  map('azure azure/ada input_cost_per_token', 'the map has the regional price'),
  map('azure azure/gpt-4-turbo*', 'the map has the regional price'),
  map('azure azure/tts-1-hd *', 'the map has the regional price'),
  map('azure azure/gpt-audio*', 'base and model page have 32/64 for gpt-audio'),
  map(
    'azure* *gpt-5.*-pro* cache_read_input_token_cost_above_272k*',
    'the pages of the pro models list no cache',
  ),
  map('azure* *gpt-5.5* *priority', 'Azure and its marketplace list 2.5 and 2; OpenAI 2.5'),
  map('azure azure/gpt-4o-realtime-preview-2024-10-01 *', 'launch price of a retired snapshot'),
  map('deepseek *', 'legacy names are served and billed as deepseek-flash'),
  map('mistral mistral/mistral-large-4*', 'the map stops at the list price of 20 to 29 October'),
  map('mistral mistral/magistral-*-latest *', 'retired names; where they lead now is not published'),
  map('mistral mistral/mistral-medium *', 'Medium 3; the map follows the alias of Medium 3.5'),
  map('mistral mistral/open-mistral-nemo *', 'the price page has 0.15'),
  map('xai xai/grok-code-fast*', 'the map follows the redirect of a retired model to grok-build-0.1'),
  map('vertex_ai vertex_ai/claude-3-5-haiku*', 'the price before the cut of December 2024'),
  map('perplexity perplexity/*', 'models of other vendors, resold by its Agent API'),
  map('fireworks_ai *', 'older size classes of the map against the base'),
  map('together_ai *', 'the map against base and genai-prices 0.2.3'),
  map('cohere cohere/embed-v4.0 *', 'the base has the price per million images beside'),
  map('gemini gemini/lyria*', 'music, by song'),
];

/** What a check of the prices finds, and somebody has decided to live with; docs/decisions/price-book.md has more. */
export const ACCEPTED_FINDINGS: readonly AcceptedFinding[] = [...DIFFERENCES, ...MAP];
