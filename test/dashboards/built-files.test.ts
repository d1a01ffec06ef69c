import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import { parse } from 'yaml';
import {
  builtBoards,
  builtBoardTable,
  DASHBOARD_PATH,
  DASHBOARDS,
  DATASOURCES,
  eachPanel,
} from '@spanmeter/dashboards';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function content(file: string, text: string): unknown {
  return file.endsWith('.json') ? JSON.parse(text) : parse(text);
}

interface Source {
  readonly uid: string;
  readonly type: string;
  readonly user?: string;
  readonly database?: string;
  readonly jsonData: Readonly<Record<string, unknown>>;
}

describe('files for Grafana', () => {
  const built = builtBoards();

  it('are committed as the sources make them', () => {
    for (const [file, text] of Object.entries(built)) {
      assert.deepEqual(content(file, read(file)), content(file, text), `${file}: run npm run generate`);
    }
  });

  it('are one per dashboard, named by its uid, and no others', () => {
    const names = readdirSync(join(root, 'dashboards/grafana/dashboards')).toSorted();
    assert.deepEqual(names, DASHBOARDS.map(({ uid }) => `${uid}.json`).toSorted());
  });

  it('name the data sources by the uids that dashboards begin with, with all that Grafana needs', () => {
    const file = 'dashboards/grafana/provisioning/datasources/spanmeter.yaml';
    const { datasources, prune } = parse(read(file)) as { datasources: Source[]; prune: boolean };
    assert.equal(prune, true);
    const [prometheus, postgres] = datasources as [Source, Source];
    // A second default one, beside a team's own, keeps Grafana from starting.
    for (const source of datasources) assert.equal('isDefault' in source, false);
    assert.equal(prometheus.uid, DATASOURCES.prometheus);
    assert.equal(prometheus.jsonData['httpMethod'], 'POST');
    assert.equal(prometheus.jsonData['timeInterval'], '15s');
    assert.equal(postgres.uid, DATASOURCES.postgres);
    assert.equal(postgres.type, 'grafana-postgresql-datasource');
    assert.equal(postgres.user, 'spanmeter_grafana');
    assert.equal(postgres.database, postgres.jsonData['database']);
    for (const board of DASHBOARDS) {
      const current = (board.build().templating.list ?? [])
        .filter(({ type }) => type === VariableType.Datasource)
        .map((variable) => variable.current?.value);
      assert.deepEqual(current, [DATASOURCES.postgres, DATASOURCES.prometheus]);
    }
  });

  it('hold no password, and keep the dollar of a link from Grafana', () => {
    const text = read('dashboards/grafana/provisioning/datasources/spanmeter.yaml').replace(/^#.*$/gm, '');
    const variables = [...text.matchAll(/(?<!\$)\$(\w+)/g)].map(([, name]) => name);
    assert.deepEqual(variables, [
      'SPANMETER_PROMETHEUS_URL',
      'SPANMETER_POSTGRES_ADDRESS',
      'SPANMETER_POSTGRES_SSLMODE',
      'GF_SPANMETER_POSTGRES_PASSWORD',
    ]);
    assert.match(text, /trace_id=\$\$\{__value\.raw\}/);
  });

  it('lead Grafana to the folder of the dashboards', () => {
    const file = 'dashboards/grafana/provisioning/dashboards/spanmeter.yaml';
    const { providers } = parse(read(file)) as {
      providers: { options: { path: string }; allowUiUpdates: boolean }[];
    };
    assert.equal(providers[0]?.options.path, DASHBOARD_PATH);
    assert.equal(providers[0]?.allowUiUpdates, false);
  });

  it('are listed in the README, every panel', () => {
    const readme = read('dashboards/README.md');
    for (const board of DASHBOARDS) {
      assert.ok(readme.includes(`### ${board.title}`));
      for (const panel of eachPanel(board.build()))
        assert.ok(readme.includes(`| ${panel.title}`), panel.title);
    }
    assert.ok(builtBoardTable().includes('spanmeter-overview'));
  });
});
