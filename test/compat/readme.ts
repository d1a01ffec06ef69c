import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../support/collector-process.ts';

/** A code block under a heading of a Markdown file, word for word: the first, or the one at `index`. */
export function codeUnder(file: string, heading: string, language: string, index = 0): string {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0];
  const block = section?.split(`\`\`\`${language}\n`)[index + 1]?.split('\n```')[0];
  if (block === undefined) throw new Error(`${file} has no ${language} block under "${heading}"`);
  return `${block}\n`;
}

/** The first block of a language in a Markdown file, word for word. */
export function codeBlock(file: string, language: string): string {
  const block = readFileSync(join(REPOSITORY, file), 'utf8')
    .split(`\`\`\`${language}\n`)[1]
    ?.split('\n```')[0];
  if (block === undefined) throw new Error(`${file} has no ${language} block`);
  return `${block}\n`;
}
