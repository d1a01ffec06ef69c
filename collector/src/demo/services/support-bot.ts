/** Tenant `acme`: a support bot that answers customers with Claude, mostly from a cached manual. */
import Anthropic from '@anthropic-ai/sdk';
import { keepCalling, readAll, standIn, type Dice } from './traffic.ts';

const client = new Anthropic();
const MANUAL_TOKENS = 14_000;

function question(dice: Dice): Anthropic.MessageParam[] {
  return [{ role: 'user', content: `Where is parcel ${dice.between(1000, 9999)}?` }];
}

async function answerCustomer(dice: Dice): Promise<unknown> {
  const fresh = dice.chance(0.1);
  const usage = {
    input: dice.between(80, 600),
    cacheRead: fresh ? 0 : MANUAL_TOKENS,
    cacheWrite5m: fresh ? MANUAL_TOKENS : 0,
    output: dice.between(60, 420),
  };
  const params = { model: 'claude-haiku-4-5', max_tokens: 1024, messages: question(dice) };
  return readAll(
    await client.messages.create(
      { ...params, stream: true },
      standIn({ usage, chunks: dice.between(8, 30) }),
    ),
  );
}

async function escalate(dice: Dice): Promise<unknown> {
  const usage = {
    input: dice.between(900, 4000),
    cacheWrite1h: dice.chance(0.2) ? 6000 : 0,
    output: dice.between(300, 900),
    reasoning: dice.between(50, 250),
  };
  const params = { model: 'claude-sonnet-4-5', max_tokens: 2048, messages: question(dice) };
  return client.messages.create(params, standIn({ usage, delayMs: dice.between(200, 700) }));
}

async function overloaded(dice: Dice): Promise<unknown> {
  const params = { model: 'claude-haiku-4-5', max_tokens: 1024, messages: question(dice) };
  return client.messages.create(params, { ...standIn({ status: 529 }), maxRetries: 0 });
}

await keepCalling(11, 600, [
  { weight: 12, team: 'support', feature: 'answers', run: answerCustomer },
  { weight: 3, team: 'escalations', feature: 'second-opinion', run: escalate },
  { weight: 1, team: 'support', feature: 'answers', run: overloaded },
]);
