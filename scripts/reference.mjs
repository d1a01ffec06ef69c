// Writes the configuration reference and the JSON Schema for editors from the components' own schemas, and the
// instrumentation's reference from its lists.
// With --check it writes nothing and fails where what is committed differs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { z } from 'zod';
import { COMPONENTS } from '../collector/dist/components.js';
import { serviceOptions } from '../collector/dist/config/service.js';
import { instrumentationReference } from './instrumentation-reference.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const KINDS = ['receiver', 'processor', 'exporter', 'extension'];

function jsonSchema(schema) {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function byKind(kind) {
  return COMPONENTS.filter((one) => one.kind === kind).toSorted((a, b) => a.type.localeCompare(b.type));
}

function section(kind) {
  const patterns = byKind(kind).flatMap(({ type, aliases = [], summary, options }) =>
    [type, ...aliases].map((name) => [
      `^${name}(/.+)?$`,
      { description: summary, anyOf: [jsonSchema(options), { type: 'null' }] },
    ]),
  );
  return {
    type: ['object', 'null'],
    patternProperties: Object.fromEntries(patterns),
    additionalProperties: false,
  };
}

function editorSchema() {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Spanmeter configuration',
    type: 'object',
    properties: {
      ...Object.fromEntries(KINDS.map((kind) => [`${kind}s`, section(kind)])),
      service: jsonSchema(serviceOptions),
    },
    additionalProperties: false,
  };
}

/** The object behind `x | null`, and whether there is one. */
function objectOf(schema) {
  const candidates = schema.anyOf ?? [schema];
  return candidates.find((one) => one.properties !== undefined);
}

function typeOf(schema) {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ type })).join(' or ');
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}`;
  if (schema.type === 'object') return 'map';
  if (schema.type === undefined) return 'anything';
  return schema.type === 'string' ? 'text' : schema.type;
}

function defaultOf(schema, required) {
  if (schema.default === undefined) return required ? 'required' : '';
  const text = JSON.stringify(schema.default);
  return text === '{}' || text === '""' ? '' : `\`${text.replace(/^"(.*)"$/, '$1')}\``;
}

/** The kinds of `type` that a section chooses from; none where it does not. */
function choicesOf(schema) {
  return (schema.oneOf ?? schema.anyOf ?? []).filter((one) => one.properties?.type?.const !== undefined);
}

/** What stands under the names of a map that users choose, where those are sections. */
function namedOf(schema) {
  const candidates = schema.anyOf ?? [schema];
  const named = candidates.find((one) => typeof one.additionalProperties === 'object')?.additionalProperties;
  return named !== undefined && (objectOf(named) !== undefined || choicesOf(named).length > 0)
    ? named
    : undefined;
}

function optionRows(name, option, isRequired, path) {
  const here = [...path, name];
  const inner = rows(option, here);
  const meaning = (option.description ?? '').replaceAll('|', '\\|');
  const type = inner.length > 0 ? 'section' : typeOf(option).replaceAll('|', '\\|');
  const shown = inner.length > 0 ? defaultOf({}, isRequired) : defaultOf(option, isRequired);
  return [`| \`${here.join('::')}\` | ${type} | ${shown} | ${meaning} |`, ...inner];
}

/** One row for what all choices have alike; otherwise one for each way, with the choices that it is of. */
function choiceRows(choices, path) {
  const names = new Set(choices.flatMap((one) => Object.keys(one.properties)));
  const kinds = choices.map(({ properties: { type } }) => type);
  const type = {
    enum: kinds.map((one) => one.const),
    description: kinds.map((one) => `\`${one.const}\`: ${one.description}`).join(' '),
  };
  names.delete('type');
  const others = [...names].flatMap((name) => {
    const ways = new Map();
    for (const { properties, required = [] } of choices) {
      if (properties[name] === undefined) continue;
      const key = JSON.stringify([properties[name], required.includes(name)]);
      const way = ways.get(key) ?? {
        option: properties[name],
        isRequired: required.includes(name),
        kinds: [],
      };
      way.kinds.push(properties.type.const);
      ways.set(key, way);
    }
    return [...ways.values()].flatMap(({ option, isRequired, kinds: having }) => {
      const only =
        having.length === choices.length ? '' : `${having.map((one) => `\`${one}\``).join(', ')}: `;
      return optionRows(name, { ...option, description: `${only}${option.description}` }, isRequired, path);
    });
  });
  return [...optionRows('type', type, true, path), ...others];
}

function rows(schema, path) {
  const choices = choicesOf(schema);
  if (choices.length > 0) return choiceRows(choices, path);
  const named = namedOf(schema);
  if (named !== undefined) return rows(named, [...path, '<name>']);
  const object = objectOf(schema);
  return Object.entries(object?.properties ?? {}).flatMap(([name, option]) =>
    optionRows(name, option, object.required?.includes(name) ?? false, path),
  );
}

function table(schema) {
  const lines = rows(schema, []);
  if (lines.length === 0) return 'It has no options.';
  return ['| Option | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function component({ type, aliases = [], summary, options }) {
  const names =
    aliases.length === 0
      ? ''
      : ` Also written ${aliases.map((one) => `\`${one}\``).join(', ')} (deprecated).`;
  return `### \`${type}\`\n\n${summary}${names}\n\n${table(jsonSchema(options))}\n`;
}

const INTRODUCTION = `# Configuration

<!-- Written by scripts/reference.mjs from the components' schemas; edit those. -->

\`otel-config.yaml\` is written in the grammar of the OpenTelemetry Collector: components by id (\`type\` or
\`type/name\`) under \`receivers\`, \`processors\`, \`exporters\` and \`extensions\`, joined under \`service\`.
\`spanmeter validate\` reports every fault at once; \`spanmeter print-config\` shows what was understood, without
secrets; \`spanmeter components\` lists what can be named.

- \`\${env:NAME}\`, \`\${NAME}\`, \`\${env:NAME:-default}\`, \`\${file:path}\` and \`\${yaml:text}\` are replaced, nested
  ones too; \`$$\` is one dollar. The value is read as YAML, and as text where the option is text. A variable that is
  not set, without a default, leaves the option at its default, with a warning.
- \`--config\` can be repeated and takes files, \`env:NAME\` and \`yaml:text\`. Later ones are merged over earlier
  ones: maps merge, lists are replaced, an empty value empties what was there. \`--set a.b=value\` comes last.
- Durations are written \`200ms\`, \`5s\`, \`1h30m\`; sizes as bytes or \`64MiB\`; addresses as \`host:port\`.
- Without \`api_key_auth\` in \`service::extensions\`, OTLP and API listen on loopback only.
`;

function reference() {
  const kinds = KINDS.map((kind) => {
    const title = `${kind[0].toUpperCase()}${kind.slice(1)}s`;
    return `## ${title}\n\n${byKind(kind).map(component).join('\n')}`;
  });
  return [INTRODUCTION, ...kinds, `## Service\n\n${table(jsonSchema(serviceOptions))}\n`].join('\n');
}

const style = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
const files = [
  ['docs/configuration.md', await format(reference(), { ...style, parser: 'markdown' })],
  ['docs/instrumentation.md', await format(instrumentationReference(), { ...style, parser: 'markdown' })],
  [
    'docs/otel-config.schema.json',
    await format(JSON.stringify(editorSchema()), { ...style, parser: 'json' }),
  ],
];

let stale = false;
for (const [path, text] of files) {
  const file = join(root, path);
  if (!process.argv.includes('--check')) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    continue;
  }
  let committed = '';
  try {
    committed = readFileSync(file, 'utf8');
  } catch {
    // A file that is missing is as stale as one that differs.
  }
  if (committed !== text) {
    stale = true;
    console.error(`${path} is not what the code says: run node scripts/reference.mjs`);
  }
}
process.exitCode = stale ? 1 : 0;
