import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { DIALECTS, formatPico, GEN_AI_KEY_PREFIXES, WANTED_KEYS } from '@spanmeter/processors';
import type { AttributeValue, Call, GenAiSpan } from '@spanmeter/processors';
import { callOf, spanOf } from './spans.ts';

interface FixtureSpan {
  readonly name?: string;
  readonly kind?: number;
  readonly statusCode?: number;
  readonly traceState?: string;
  readonly scope?: GenAiSpan['scope'];
  readonly resource?: Record<string, AttributeValue>;
  readonly attributes: Record<string, AttributeValue>;
}

const folder = new URL('../../fixtures/dialects/', import.meta.url);

/** A call as a fixture writes it: money as USD text, and only fields that the fixture names. */
function shown(call: Call, fields: readonly string[]): Record<string, unknown> {
  const record: Record<string, unknown> = {
    ...call,
    costUsd: call.costPicoUsd === null ? null : formatPico(call.costPicoUsd),
    reportedCostUsd: call.reportedCostPicoUsd === null ? null : formatPico(call.reportedCostPicoUsd),
    ttftNanos: call.ttftNanos === null ? null : String(call.ttftNanos),
  };
  return Object.fromEntries(fields.map((field) => [field, record[field]]));
}

for (const dialect of readdirSync(folder)) {
  describe(`spans in the dialect ${dialect}`, () => {
    const files = new URL(`${dialect}/`, folder);
    for (const file of readdirSync(files)) {
      if (!file.endsWith('.in.json')) continue;
      const name = file.slice(0, -'.in.json'.length);
      it(`are read as expected: ${name}`, () => {
        const input = JSON.parse(readFileSync(new URL(file, files), 'utf8')) as FixtureSpan;
        const output = readFileSync(new URL(`${name}.out.json`, files), 'utf8');
        const expected = JSON.parse(output) as Record<string, unknown>;
        const { attributes, ...over } = input;
        assert.deepEqual(shown(callOf(spanOf(attributes, over)), Object.keys(expected)), expected);
      });
    }
  });
}

describe('the dialects', () => {
  it('are recognised by prefixes of keys that they have', () => {
    assert.ok(GEN_AI_KEY_PREFIXES.includes('gen_ai.'));
    for (const dialect of DIALECTS) {
      const keys = Object.values(dialect.fields).flat();
      for (const prefix of dialect.keyPrefixes)
        assert.ok(
          keys.some((key) => key.startsWith(prefix)),
          prefix,
        );
    }
  });

  it('give no key two meanings', () => {
    for (const dialect of DIALECTS) {
      const keys = Object.values(dialect.fields).flat();
      assert.equal(new Set(keys).size, keys.length, dialect.name);
    }
  });

  it('have all their keys wanted from the decoder, and no content', () => {
    for (const dialect of DIALECTS) {
      for (const key of Object.values(dialect.fields).flat()) assert.ok(WANTED_KEYS.keys.includes(key), key);
    }
    for (const key of WANTED_KEYS.keys)
      assert.doesNotMatch(key, /messages|content|gen_ai\.prompt|gen_ai\.completion/);
  });
});
