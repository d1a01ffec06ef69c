import { ANTHROPIC_FORMAT } from '@spanmeter/collector/dist/demo/providers/anthropic.js';
import { OPENAI_FORMAT } from '@spanmeter/collector/dist/demo/providers/openai.js';
import {
  firstThatKnows,
  startStandIn,
  type StandIn,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';

/** A local server that speaks both APIs, for frameworks that sit over either. */
export function startOpenaiAndAnthropicStandIn(): Promise<StandIn> {
  return startStandIn(
    firstThatKnows([OPENAI_FORMAT, { ...ANTHROPIC_FORMAT, knows: (path) => path === '/v1/messages' }]),
  );
}
