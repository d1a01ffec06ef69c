import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inputLines } from '@spanmeter/collector/dist/cli/input-lines.js';

async function linesOf(chunks: readonly (string | Uint8Array)[], maxBytes = 10): Promise<(string | null)[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
  const lines: (string | null)[] = [];
  for await (const line of inputLines(source(), maxBytes)) lines.push(line);
  return lines;
}

describe('lines of input', () => {
  it('end with LF or CRLF wherever chunks end, and the last with the input', async () => {
    assert.deepEqual(await linesOf(['a\nb', 'c\r', '\n\n', 'd']), ['a', 'bc', '', 'd']);
    assert.deepEqual(await linesOf(['a\n']), ['a']);
    assert.deepEqual(await linesOf([]), []);
  });

  it('do not end with a separator that JSON may hold', async () => {
    assert.deepEqual(await linesOf(['"\u2028\u2029"\rx\n']), ['"\u2028\u2029"\rx']);
  });

  it('keep characters that chunks cut through', async () => {
    const bytes = Buffer.from('é😀\n');
    assert.deepEqual(await linesOf([...bytes].map((byte) => Uint8Array.of(byte))), ['é😀']);
  });

  it('over the limit are passed over in bytes, and those after them are read', async () => {
    assert.deepEqual(await linesOf(['0123456789\n0123456789a\nb\n']), ['0123456789', null, 'b']);
    assert.deepEqual(await linesOf(['éééééé\n', 'x'.repeat(100), 'x'.repeat(100)]), [null, null]);
  });
});

describe('spanmeter price --stdin', () => {
  const main = fileURLToPath(new URL('../../../../collector/dist/main.js', import.meta.url));
  const question = (id: string, usage: object): string =>
    JSON.stringify({ id, provider: 'openai', model: 'gpt-4o', usage, at: '2026-11-20T12:00:00Z' });

  it('answers every line in order, whatever it holds', async () => {
    const lines = [
      `\ufeff${question('first', { input_tokens: 1000, output_tokens: 500 })}`,
      'not json',
      '{"id":"cut',
      '[]',
      '7',
      'null',
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      '',
      '{"__proto__":{"id":"x"},"id":"prototype"}',
      question('half', { input_tokens: '1' }),
      JSON.stringify({
        id: 'long',
        model: 'x'.repeat(1_000_000),
        provider: 'openai',
        usage: { input_tokens: 1 },
        at: '2026-01-01',
      }),
      'x'.repeat(2_000_000),
      question('separated \u2028', { input_tokens: 0 }),
      question('last', { input_tokens: 1000, output_tokens: 500 }),
    ];
    const child = spawn(process.execPath, [main, 'price', '--stdin'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stdin.end(lines.join('\r\n'));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 0);
    const answers = Buffer.concat(output).toString().trimEnd().split('\n');
    const shown = answers.map((answer) => {
      const { id, status, costUsd } = JSON.parse(answer) as Record<string, string | null>;
      return `${id} ${status} ${costUsd}`;
    });
    const refused = 'null invalid_usage null';
    assert.deepEqual(shown, [
      'first priced 0.007500000000',
      ...Array.from({ length: 6 }, () => refused),
      'prototype invalid_usage null',
      'half priced 0.000002500000',
      'long unpriced_model null',
      refused,
      'separated \u2028 priced 0.000000000000',
      'last priced 0.007500000000',
    ]);
  });
});
