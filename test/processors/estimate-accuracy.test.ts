import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOf, tokensOfSize } from '@spanmeter/processors';
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { REPOSITORY } from '../support/collector-process.ts';

const TEXTS = join(REPOSITORY, 'test', 'fixtures', 'text');

/** Cyrillic costs the older tokenizer twice as much as the newer; the rule does not tell the two apart. */
const OLDER_OFF: Readonly<Record<string, number>> = { 'russian.txt': 0.5 };

describe('estimates by characters', () => {
  for (const folder of ['', 'held-out']) {
    for (const name of readdirSync(join(TEXTS, folder)).filter((each) => each.endsWith('.txt'))) {
      it(`are within a fifth of the tokenizers on ${join(folder, name)}`, () => {
        const text = readFileSync(join(TEXTS, folder, name), 'utf8');
        const off = (model: string, exact: number): number =>
          Math.abs(tokensOfSize(sizeOf(text), 'openai', model) / exact - 1);
        assert.ok(off('gpt-4o', o200k(text)) < 0.2);
        assert.ok(off('gpt-4', cl100k(text)) < (OLDER_OFF[name] ?? 0.2));
      });
    }
  }
});
