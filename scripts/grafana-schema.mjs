// Writes the JSON Schema of Grafana's classic dashboards from the types of @grafana/grafana-foundation-sdk, with
// what each kind of panel may have as options and custom fields. Queries are exempt: the types leave them open.
// Tests hold every dashboard to it. Run it after an update of the SDK.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { createGenerator } from 'ts-json-schema-generator';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SDK = '@grafana/grafana-foundation-sdk';
const FILE = join(root, 'test', 'fixtures', 'grafana', 'classic-dashboard.schema.json');
/** Modules of panels that our dashboards may use. */
const PANELS = [
  'stat',
  'gauge',
  'bargauge',
  'timeseries',
  'table',
  'barchart',
  'piechart',
  'heatmap',
  'histogram',
  'statetimeline',
  'text',
];
const WITHOUT_CUSTOM = new Set(['stat', 'gauge', 'bargauge', 'text']);

const source = [
  `import type { Dashboard } from '${SDK}/dashboard';`,
  ...PANELS.map((name) => `import type * as ${name} from '${SDK}/${name}';`),
  'export interface Schema {',
  '  dashboard: Dashboard;',
  ...PANELS.map((name) => `  ${name}Options: Partial<${name}.Options>;`),
  ...PANELS.filter((name) => !WITHOUT_CUSTOM.has(name)).map(
    (name) => `  ${name}Custom: Partial<${name}.FieldConfig>;`,
  ),
  '}',
].join('\n');

// Within the checkout, so that the types are found.
const folder = mkdtempSync(join(root, 'node_modules', '.grafana-schema-'));
try {
  const file = join(folder, 'schema.ts');
  writeFileSync(file, source);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { module: 'nodenext', moduleResolution: 'nodenext', strict: true, skipLibCheck: true },
      files: ['schema.ts'],
    }),
  );
  const schema = createGenerator({
    path: file,
    tsconfig: join(folder, 'tsconfig.json'),
    type: 'Schema',
    skipTypeCheck: true,
    additionalProperties: false,
    jsDoc: 'none',
    sortProps: true,
  }).createSchema('Schema');
  const anything = {};
  for (const definition of Object.values(schema.definitions)) {
    for (const [name, value] of Object.entries(definition.properties ?? {})) {
      if (name === 'targets' && value.type === 'array') definition.properties[name] = { type: 'array' };
      if (name === 'target') definition.properties[name] = anything;
    }
  }
  const style = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, await format(JSON.stringify(schema), { ...style, parser: 'json' }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
