/** Tenant `globex`: document search with embeddings, and short answers written by a small model. */
import OpenAI from 'openai';
import { keepCalling, readAll, standIn, type Dice } from './traffic.ts';

const client = new OpenAI();

async function indexPages(dice: Dice): Promise<unknown> {
  const pages = Array.from({ length: dice.between(2, 12) }, (_, page) => `page ${page}`);
  const usage = { input: pages.length * dice.between(300, 900) };
  return client.embeddings.create({ model: 'text-embedding-3-large', input: pages }, standIn({ usage }));
}

async function answer(dice: Dice): Promise<unknown> {
  const usage = {
    input: dice.between(500, 2500),
    cacheRead: dice.chance(0.5) ? 1024 * dice.between(1, 4) : 0,
    output: dice.between(80, 300),
  };
  const stream = await client.chat.completions.create(
    {
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Summarise what was found.' }],
      stream: true,
      stream_options: { include_usage: true },
    },
    standIn({ usage, chunks: dice.between(10, 30) }),
  );
  return readAll(stream);
}

async function classify(dice: Dice): Promise<unknown> {
  // The team's own model behind a gateway: nobody's price list has it, so its cost stays unknown.
  const usage = { input: dice.between(100, 400), output: dice.between(5, 20) };
  return client.chat.completions.create(
    { model: 'globex-classifier-v2', messages: [{ role: 'user', content: 'Which folder?' }] },
    standIn({ usage, delayMs: dice.between(20, 80) }),
  );
}

await keepCalling(23, 500, [
  { weight: 6, team: 'search', feature: 'answers', run: answer },
  { weight: 5, team: 'ingest', feature: 'indexing', run: indexPages },
  { weight: 2, team: 'ingest', feature: 'sorting', run: classify },
]);
