import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Files of the tree: those git knows or would add; without git, the fallback of the published source. */
function trackedFiles(): string[] {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return list.split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function report(faults: readonly string[]): void {
  assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
}

describe('the tree', () => {
  const files = trackedFiles();
  const sources = files.filter((file) => file.endsWith('.ts') && !file.includes('/prices/base/'));

  it('has no source file over 500 lines', () => {
    report(sources.filter((file) => read(file).split('\n').length > 501));
  });

  it('has no line over 120 characters, apart from literals that cannot be broken', () => {
    const faults: string[] = [];
    // Tests hold whole apps as text.
    for (const file of sources.filter((name) => !name.startsWith('test/instrumentation/'))) {
      for (const [index, line] of read(file).split('\n').entries()) {
        // prettier breaks code at 110, and neither comments, SQL nor one long literal.
        if (line.length > 120 && !/(['"`/]).{50,}\1/.test(line)) faults.push(`${file}:${index + 1}`);
      }
    }
    report(faults);
  });

  it('leaves no debt marker, exclusive test or skipped test behind', () => {
    const marker = new RegExp(
      `\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${'X'.repeat(3)}|${['HA', 'CK'].join('')})\\b`,
    );
    const exclusive = new RegExp(`\\b(describe|it)\\.(only|${['sk', 'ip'].join('')})\\(`);
    report(sources.filter((file) => marker.test(read(file)) || exclusive.test(read(file))));
  });

  it('names files in kebab-case and never after a junk drawer', () => {
    const junk = /(^|\/)(utils?|helpers?|common|misc|manager)(\/|\.ts$)/;
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*\.ts$/;
    report(sources.filter((file) => junk.test(file) || !kebab.test(file.slice(file.lastIndexOf('/') + 1))));
  });

  it('has no default export and no wildcard export', () => {
    report(sources.filter((file) => !file.startsWith('test/') && /^export (default|\*)/m.test(read(file))));
  });

  it('speaks of itself alone: no local paths and no package registry hosts', () => {
    const hosts = ['npmjs', 'pypi', 'crates', 'maven'].map((name) => `${name}\\.(org|io|com)`);
    const paths = ['work', 'root'].map((name) => `[\\s"'(]/${name}/`);
    const pattern = new RegExp([...hosts, ...paths].join('|'));
    const text = files.filter(
      (file) => /\.(ts|mjs|md|json|ya?ml|sql)$/.test(file) && file !== 'test/tidy.test.ts',
    );
    report(text.filter((file) => pattern.test(read(file))));
  });

  it('keeps processors pure: no clock, randomness, environment or timers', () => {
    const impure =
      /\b(Date\.now|new Date\(\)|Math\.random|process\.|setTimeout|setInterval|performance\.now)\b/;
    report(sources.filter((file) => file.startsWith('processors/src/') && impure.test(read(file))));
  });

  it('opens pools of connections in one place, which hears of those that end', () => {
    const faults = sources.filter((file) => file.includes('/src/') && /\bnew Pool\(/.test(read(file)));
    assert.deepEqual(faults, ['collector/src/database/open-pool.ts']);
  });

  it('keeps floats away from money', () => {
    const money = sources.filter((file) => /processors\/src\/(money|price|cost)/.test(file));
    report(money.filter((file) => /\b(parseFloat|toFixed)\b/.test(read(file))));
  });
});
