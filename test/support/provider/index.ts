export { startOpenaiStandIn } from '@spanmeter/collector/dist/demo/providers/openai.js';
export { startAnthropicStandIn } from '@spanmeter/collector/dist/demo/providers/anthropic.js';
export type { StandIn } from '@spanmeter/collector/dist/demo/providers/stand-in.js';
export type { ServedRequest } from '@spanmeter/collector/dist/demo/providers/served.js';
export { startGroqStandIn, startOpenaiApiStandIn, startTogetherStandIn } from './openai-compatible.ts';
export { startHuggingfaceStandIn } from './huggingface.ts';
