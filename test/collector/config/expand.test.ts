import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Expander } from '@spanmeter/collector/dist/config/expand.js';
import type { Environment } from '@spanmeter/collector/dist/config/expand.js';
import { Expanded, toPlain } from '@spanmeter/collector/dist/config/tree.js';

function expand(
  text: string,
  env: Environment = {},
): { value: unknown; faults: string[]; warnings: string[] } {
  const expander = new Expander(env);
  const tree = expander.expand({ at: text });
  const { at } = toPlain(tree) as { at: unknown };
  return { value: at, faults: expander.faults.map(({ message }) => message), warnings: expander.warnings };
}

const CASES: readonly [title: string, text: string, env: Environment, value: unknown][] = [
  ['leaves text without a reference alone', 'a $ b $c', {}, 'a $ b $c'],
  ['reads ${env:X}', '${env:X}', { X: 'v' }, 'v'],
  ['reads ${X} as ${env:X}', '${X}', { X: 'v' }, 'v'],
  ['takes the default of an unset variable', '${env:X:-d}', {}, 'd'],
  ['takes the default of an unset variable without a scheme', '${HOST:-localhost}', {}, 'localhost'],
  ['prefers the variable to its default', '${env:X:-d}', { X: 'v' }, 'v'],
  ['keeps a variable that is set and empty', '${env:X:-d}', { X: '' }, null],
  ['lets a default hold colons', '${env:X:-127.0.0.1:4317}', {}, '127.0.0.1:4317'],
  ['lets a default be empty', 'a${env:X:-}b', {}, 'ab'],
  ['reads a value as YAML: a number', '${env:X}', { X: '0x10' }, 16],
  ['reads a value as YAML: a boolean', '${env:X}', { X: 'true' }, true],
  ['reads a value as YAML: a list', '${env:X}', { X: '[a, 1]' }, ['a', 1]],
  ['reads a value as YAML: a map', '${env:X}', { X: '{a: {b: 1}}' }, { a: { b: 1 } }],
  ['takes a value that is not YAML as it is', '${env:X}', { X: '[' }, '['],
  ['joins values inside a longer text', '${env:H}:${env:P}', { H: 'h', P: '0017' }, 'h:0017'],
  ['expands a nested default', '${env:X:-${env:Y}}', { Y: 'y' }, 'y'],
  ['expands a nested default of a nested default', '${env:X:-${env:Y:-${env:Z:-z}}}', {}, 'z'],
  ['expands a name made of another value', '${env:${env:NAME}}', { NAME: 'X', X: 'v' }, 'v'],
  ['expands references inside a value', '${env:X}', { X: 'a-${env:Y}', Y: 'y' }, 'a-y'],
  ['makes one dollar of two', '$$HOME', {}, '$HOME'],
  ['escapes a reference', '$${env:X}', { X: 'v' }, '${env:X}'],
  ['expands after an escaped dollar', '$$${env:X}', { X: 'v' }, '$v'],
  ['keeps a reference that never closes', 'a${env:X', { X: 'v' }, 'a${env:X'],
  ['reads yaml: inside a value', '${yaml:[1, a]}', {}, [1, 'a']],
];

describe('references in a configuration', () => {
  for (const [title, text, env, value] of CASES) {
    it(`${title}: ${text}`, () => {
      const result = expand(text, env);
      assert.deepEqual(result.faults, []);
      assert.equal(JSON.stringify(result.value), JSON.stringify(value));
    });
  }

  it('keeps the text a value was read from', () => {
    const tree = new Expander({ PIN: '0123' }).expand('${env:PIN}');
    assert.ok(tree instanceof Expanded);
    assert.equal(tree.original, '0123');
  });

  it('are null with a warning where the variable is unset', () => {
    const { value, warnings } = expand('${env:MISSING}');
    assert.equal(value, null);
    assert.match(warnings.join(), /unset environment variable MISSING/);
  });

  it('refuse a name that cannot be a variable', () => {
    assert.match(
      expand('${env:a-b}').faults.join(),
      /environment variable "a-b" has invalid name: must match regex/,
    );
  });

  it('refuse an unknown scheme', () => {
    assert.match(expand('${vault:x}').faults.join(), /scheme "vault" is not supported/);
  });

  it('take the text of a map inside a longer text', () => {
    assert.equal(expand('a ${env:X}', { X: '{a: 1}' }).value, 'a {a: 1}');
  });

  it('do not show what stands inside the value of a variable, which may be a secret', () => {
    for (const X of ['pa${ss word}', 'pa${ss:word}']) {
      const [fault] = expand('${env:X}', { X }).faults;
      assert.match(fault ?? '', /the value of a variable holds a/);
      assert.ok(!fault?.includes('word'));
    }
  });

  it('end for a variable that names itself', () => {
    assert.match(expand('${env:X}', { X: '${env:X}' }).faults.join(), /too many recursive expansions/);
  });

  it('end for variables that double at each step', () => {
    const env: Record<string, string> = { V0: 'x'.repeat(1000) };
    for (let i = 1; i < 30; i++) env[`V${i}`] = `\${V${i - 1}}\${V${i - 1}}`;
    assert.equal(expand('${V29}', env).faults.length, 1);
  });

  it('read a file without its last line break, and name one that is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'spanmeter-expand-'));
    try {
      writeFileSync(join(folder, 'key'), 'sm_abc\n');
      assert.equal(expand(`\${file:${join(folder, 'key')}}`).value, 'sm_abc');
      assert.match(
        expand(`\${file:${join(folder, 'none')}}`).faults.join(),
        /cannot read the file .*none: ENOENT/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
