import { randomBytes } from 'node:crypto';
import type { BuilderAttributes, BuilderSpan, BuilderValue } from './otlp-builder.ts';

/** Changes of a span; an attribute that is undefined is taken away. */
export type ChatChanges = Partial<Omit<BuilderSpan, 'attributes'>> & {
  readonly attributes?: Readonly<Record<string, BuilderValue | undefined>>;
};

const CHAT: BuilderAttributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o',
  'gen_ai.usage.input_tokens': 1000,
  'gen_ai.usage.output_tokens': 100,
};

/** Cost of `chatSpan` without changes, as the column has it: 1,000 x 2.50 and 100 x 10 USD per million. */
export const CHAT_COST = '0.003500000000';

/** A call of two seconds that ended just now and costs CHAT_COST. */
export function chatSpan(changes: ChatChanges = {}): BuilderSpan {
  const { attributes = {}, ...rest } = changes;
  const end = BigInt(Date.now()) * 1_000_000n;
  const all = Object.entries({ ...CHAT, ...attributes }).filter(([, value]) => value !== undefined);
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'chat gpt-4o',
    startUnixNano: end - 2_000_000_000n,
    endUnixNano: end,
    ...rest,
    attributes: Object.fromEntries(all) as BuilderAttributes,
  };
}
