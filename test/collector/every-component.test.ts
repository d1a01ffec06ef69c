import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { COMPONENTS } from '@spanmeter/collector/dist/components.js';
import { loadConfig } from '@spanmeter/collector/dist/config/load.js';
import { REPOSITORY } from '../support/collector-process.ts';

/** The least that a component needs which cannot do without any option. */
const LEAST: Readonly<Record<string, object>> = {
  otlp: { protocols: { http: {} } },
  otlp_http: { endpoint: 'http://127.0.0.1:4318' },
};

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
  readonly anyOf?: readonly JsonSchema[];
}

/** Paths of options without a description; a group that says what it is for describes its members. */
function undescribed(schema: JsonSchema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const at = `${path}.${name}`;
    if (option.description !== undefined) return [];
    return option.properties === undefined ? [at] : undescribed(option, at);
  });
}

describe('every component', () => {
  for (const component of COMPONENTS) {
    const { kind, type, options, summary, aliases = [] } = component;
    const least = LEAST[type] ?? {};

    describe(`${kind} ${type}`, () => {
      it('takes its defaults', () => {
        assert.doesNotThrow(() => options.parse(least));
      });

      it('refuses an option that it does not know, by name', () => {
        const result = options.safeParse({ ...least, no_such_option: 1 });
        assert.equal(result.success, false);
        assert.match(JSON.stringify(result.error?.issues), /no_such_option/);
      });

      it('is named in lower_snake_case, once, with a sentence of what it is for', () => {
        assert.match(type, /^[a-z][a-z0-9_]*$/);
        assert.match(summary, /^[A-Z].*\.$/);
        const names = COMPONENTS.filter((one) => one.kind === kind).flatMap((one) => [
          one.type,
          ...(one.aliases ?? []),
        ]);
        for (const name of [type, ...aliases]) {
          assert.equal(names.filter((one) => one === name).length, 1, name);
        }
      });

      it('describes each of its options', () => {
        const schema = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
        assert.deepEqual(undescribed(schema, type), []);
      });

      it('is in the reference', () => {
        const reference = readFileSync(join(REPOSITORY, 'docs', 'configuration.md'), 'utf8');
        assert.ok(reference.includes(`\`${type}\``) || reference.includes(` ${type}`), type);
      });
    });
  }

  it('can be named together in the configuration that ships', () => {
    const { faults } = loadConfig([join(REPOSITORY, 'otel-config.yaml')], [], {}, COMPONENTS);
    assert.deepEqual(faults, undefined);
  });
});
