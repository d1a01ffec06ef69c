export { startOpenaiStandIn } from '@spanmeter/collector/dist/demo/providers/openai.js';
export { startAnthropicStandIn } from '@spanmeter/collector/dist/demo/providers/anthropic.js';
export type { StandIn } from '@spanmeter/collector/dist/demo/providers/stand-in.js';
export type { ServedRequest } from '@spanmeter/collector/dist/demo/providers/served.js';
export { startAnthropicPlatforms } from './anthropic.ts';
export { startBedrockStandIn } from './bedrock.ts';
