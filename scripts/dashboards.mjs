// Writes Grafana's dashboards and provisioning, rules, configurations of Prometheus and Alertmanager, docs/alert-rules.md
// and the list in dashboards/README.md from dashboards/src, so that they can be used without npm. With --check it writes nothing and fails where what is committed differs.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { builtBoards, builtBoardTable } from '../dashboards/dist/built-boards.js';
import { builtRules } from '../dashboards/dist/built-rules.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const style = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));
const check = process.argv.includes('--check');
const BOARDS = 'dashboards/grafana/dashboards';
const README = 'dashboards/README.md';
const LIST = /(<!-- boards -->\n)[\s\S]*(\n<!-- \/boards -->)/;

const parsers = { md: 'markdown', json: 'json', yaml: 'yaml', yml: 'yaml' };

function committed(file) {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '';
}

const built = { ...builtBoards(), ...builtRules() };
built[README] = committed(README).replace(
  LIST,
  (_all, start, end) => `${start}\n${builtBoardTable()}\n${end}`,
);

let stale = 0;
function complain(file, what) {
  console.error(`${file} ${what}: run npm run generate`);
  stale++;
}

for (const [file, text] of Object.entries(built)) {
  const content = await format(text, { ...style, parser: parsers[file.slice(file.lastIndexOf('.') + 1)] });
  if (committed(file) === content) continue;
  if (check) complain(file, 'is stale');
  else {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
}
for (const name of existsSync(join(root, BOARDS)) ? readdirSync(join(root, BOARDS)) : []) {
  const file = `${BOARDS}/${name}`;
  if (Object.hasOwn(built, file)) continue;
  if (check) complain(file, 'is no dashboard any more');
  else rmSync(join(root, file));
}
process.exit(stale > 0 ? 1 : 0);
