import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { DASHBOARDS } from '@spanmeter/dashboards';
import { panelsOf, type BoardJson } from '@spanmeter/dashboards/dist/expand/board-json.js';
import { REPOSITORY } from '../support/collector-process.ts';

const FILE = join(REPOSITORY, 'test', 'fixtures', 'grafana', 'classic-dashboard.schema.json');
const SCHEMA = JSON.parse(readFileSync(FILE, 'utf8')) as {
  readonly definitions: { readonly Schema: { readonly properties: Record<string, object> } };
};
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(SCHEMA, 'grafana');
const validators = new Map<string, ValidateFunction | null>();

/** What of Grafana's types is not met, empty where all is. */
function faults(part: string, value: unknown): readonly string[] {
  let validate = validators.get(part);
  if (validate === undefined) {
    const known = part in SCHEMA.definitions.Schema.properties;
    validate = known ? ajv.compile({ $ref: `grafana#/definitions/Schema/properties/${part}` }) : null;
    validators.set(part, validate);
  }
  if (validate === null) return [];
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${part}${instancePath} ${message}`);
}

function boardFaults(board: BoardJson): readonly string[] {
  return [
    ...faults('dashboard', board),
    ...panelsOf(board).flatMap((panel) => [
      ...faults(`${panel.type}Options`, panel.options ?? {}),
      ...faults(`${panel.type}Custom`, panel.fieldConfig?.defaults?.custom ?? {}),
    ]),
  ];
}

describe("Grafana's own types", () => {
  for (const { uid } of DASHBOARDS) {
    const file = join(REPOSITORY, 'dashboards', 'grafana', 'dashboards', `${uid}.json`);
    const read = (): BoardJson => JSON.parse(readFileSync(file, 'utf8')) as BoardJson;

    it(`take ${uid} as it is committed`, () => assert.deepEqual(boardFaults(read()), []));

    it(`take no panel of ${uid} with a misspelt field, option or value`, () => {
      const board = read();
      const first = board.panels.findIndex(({ type }) => type !== 'row');
      const spoilt = (change: object): BoardJson => {
        const panels = [...board.panels];
        panels[first] = { ...panels[first]!, ...change };
        return { ...board, panels };
      };
      assert.notDeepEqual(boardFaults(spoilt({ tittle: 'x' })), []);
      assert.notDeepEqual(boardFaults(spoilt({ gridPos: { x: 0, y: 0, w: '12', h: 4 } })), []);
      assert.notDeepEqual(boardFaults(spoilt({ options: { grafMode: 'area' } })), []);
      assert.notDeepEqual(boardFaults({ ...board, refesh: '1m' } as unknown as BoardJson), []);
    });
  }
});
