import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { internal } from './internals.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCES = join(ROOT, 'instrumentation', 'src');

describe('the reference of the instrumentation', () => {
  const page = readFileSync(join(ROOT, 'docs', 'instrumentation.md'), 'utf8');

  it('has every variable of its own that the code reads', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const read = files.flatMap((file) =>
      [...readFileSync(join(SOURCES, file), 'utf8').matchAll(/'(SPANMETER_[A-Z_]+)'/g)].map(
        ([, name]) => name ?? '',
      ),
    );
    assert.ok(read.length > 10);
    assert.deepEqual(
      [...new Set(read)].filter((name) => !page.includes(`\`${name}\``)),
      [],
    );
  });

  it('has the range of every package that is patched, each beside its own', async () => {
    const { ADAPTERS } = await internal('adapters');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    for (const { module, versions } of ADAPTERS.flatMap((adapter) => [adapter, ...(adapter.hooks ?? [])])) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? '';
      const ranges = rows
        .map((line) => line.split(' | '))
        .filter(([packages = '']) => packages.includes(`\`${name}\``))
        .map(([, range = '']) => range.trim());
      assert.ok(
        ranges.includes(`\`${versions.join(', ')}\``),
        `${module} ${versions.join()}: ${ranges.join()}`,
      );
    }
  });
});
