// Prints how far estimates by characters are from the public tokenizers, text by text: the table of
// docs/estimates.md. The rates were fitted to the first texts; those under held-out played no part in that.
import { readFileSync, readdirSync } from 'node:fs';
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { sizeOf, tokensOfSize } from '../processors/dist/index.js';

const ROOT = new URL('../', import.meta.url);
const TEXTS = 'test/fixtures/text/';
const files = ['', 'held-out/'].flatMap((folder) =>
  readdirSync(new URL(TEXTS + folder, ROOT))
    .filter((name) => name.endsWith('.txt'))
    .map((name) => TEXTS + folder + name),
);

const percent = (estimate, exact) => {
  const off = Math.round((estimate / exact - 1) * 100);
  return `${off > 0 ? '+' : ''}${off} %`;
};

console.log(
  '| text | characters | o200k_base | by characters | error | cl100k_base | error | characters / 4 |',
);
console.log('| --- | --: | --: | --: | --: | --: | --: | --: |');
for (const path of [...files, 'LICENSE', 'processors/src/price.ts', 'package.json']) {
  const text = readFileSync(new URL(path, ROOT), 'utf8');
  const size = sizeOf(text);
  const newer = tokensOfSize(size, 'openai', 'gpt-4o');
  const older = tokensOfSize(size, 'openai', 'gpt-4');
  const exact = o200k(text);
  const cells = [
    path.replace(TEXTS, ''),
    size.characters,
    exact,
    newer,
    percent(newer, exact),
    cl100k(text),
    percent(older, cl100k(text)),
    percent(size.characters / 4, exact),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
