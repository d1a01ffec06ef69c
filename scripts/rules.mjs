// Writes Prometheus' rules and configuration, Alertmanager's, Grafana's opt-in alerts and docs/alert-rules.md from
// dashboards/src, so that all of them say the same.
// With --check it writes nothing and fails where what is committed differs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { builtRules } from '../dashboards/dist/built-rules.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const style = JSON.parse(readFileSync(join(root, '.prettierrc.json'), 'utf8'));

function committed(file) {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
}

let stale = 0;
for (const [file, text] of Object.entries(builtRules())) {
  const content = await format(text, { ...style, parser: file.endsWith('.md') ? 'markdown' : 'yaml' });
  if (!process.argv.includes('--check')) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), content);
  } else if (committed(file) !== content) {
    console.error(`${file} is stale: run npm run generate`);
    stale++;
  }
}
process.exit(stale > 0 ? 1 : 0);
