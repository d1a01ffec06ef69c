/** Tenant `initech`: reviews pull requests with large models from both providers. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { keepCalling, readAll, standIn, type Dice } from './traffic.ts';

const openai = new OpenAI();
const anthropic = new Anthropic();

async function review(dice: Dice): Promise<unknown> {
  const usage = {
    input: dice.between(3000, 12_000),
    cacheRead: dice.chance(0.6) ? dice.between(4000, 20_000) : 0,
    output: dice.between(400, 1500),
  };
  const stream = anthropic.messages.stream(
    {
      model: 'claude-opus-4-5',
      max_tokens: 4096,
      messages: [{ role: 'user', content: 'Review this change.' }],
    },
    standIn({ usage, chunks: dice.between(20, 40) }),
  );
  return stream.finalMessage();
}

async function think(dice: Dice): Promise<unknown> {
  const reasoning = dice.between(500, 3000);
  const usage = { input: dice.between(1000, 6000), output: reasoning + dice.between(100, 600), reasoning };
  return openai.chat.completions.create(
    { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Why does this test fail?' }] },
    standIn({ usage, delayMs: dice.between(300, 900) }),
  );
}

async function givenUp(dice: Dice): Promise<unknown> {
  // A developer closes the panel: the stream is dropped, and no usage was ever told.
  const stream = await openai.chat.completions.create(
    { model: 'gpt-4o', messages: [{ role: 'user', content: 'Explain this file.' }], stream: true },
    standIn({ chunks: 40 }),
  );
  for await (const _ of stream) if (dice.chance(0.15)) break;
  return undefined;
}

async function limited(dice: Dice): Promise<unknown> {
  const key = `limited-${dice.between(1, 1_000_000)}`;
  const usage = { input: dice.between(800, 2000), output: dice.between(100, 300) };
  const stream = await openai.chat.completions.create(
    {
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'Name this branch.' }],
      stream: true,
      stream_options: { include_usage: true },
    },
    standIn({ usage, status: 429, times: dice.chance(0.3) ? 3 : 1, key, retryAfterMs: 200 }),
  );
  return readAll(stream);
}

await keepCalling(37, 700, [
  { weight: 5, team: 'platform', feature: 'review', run: review },
  { weight: 4, team: 'mobile', feature: 'debugging', run: think },
  { weight: 1, team: 'mobile', feature: 'explain', run: givenUp },
  { weight: 2, team: 'platform', feature: 'naming', run: limited },
]);
