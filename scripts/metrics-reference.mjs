// Writes docs/metrics.md from the metric catalogue, so that the page cannot say other than the code.
// With --check it writes nothing and fails where what is committed differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { METRIC_CATALOGUE } from '../processors/dist/index.js';

const FILE = new URL('../docs/metrics.md', import.meta.url);
/** Groups that this version serves, with their headings. */
const SERVED = [
  [
    'calls',
    'Calls',
    'Counted when the ledger committed the call, never before and never twice. ' +
      '`genai_cost_difference_usd_total` adds, for every call that both the emitter and the price book put a figure ' +
      'on, how far the two are apart, be the cost theirs (`reported`) or ours (`priced`): a rise means that prices, ' +
      'counts or discounts disagree. Calls with one figure only are not in it.',
  ],
  [
    'store',
    'Store',
    'Read from the database and the journal; every collector exports them, so take `max by`, not `sum`.',
  ],
  [
    'budgets',
    'Budgets',
    'As they stand after the latest commit; every collector exports all of them, so take `max by`, not `sum`. ' +
      '`tenant` is empty for budgets of the operator over all tenants, and `scope` is `tenant` for those that hold ' +
      'for every tenant by itself. A budget has its series from its first reading on, with spend of 0 too; it is ' +
      'never folded into `other`. The limit warns once spent is above it; a hard one refuses once it is reached.',
  ],
  [
    'notifications',
    'Notifications',
    'Served where the extension `alerts` has channels; each collector counts what it ended itself, so take `sum`.',
  ],
  ['keys', 'Keys', 'When the keys in force were made, to find those that should be rotated.'],
  ['process', 'Process', 'About the collector itself.'],
];
/** In the catalogue, and served by no part of this version. */
const NOT_SERVED = new Set([]);

function row({ name, type, labels, optionalLabels = [], unit, help }) {
  const named = [
    ...labels.map((label) => `\`${label}\``),
    ...optionalLabels.map((label) => `(\`${label}\`)`),
  ];
  return `| \`${name}\` | ${type} | ${unit} | ${named.join(' ') || '-'} | ${help} |`;
}

function section([source, title, text]) {
  const rows = METRIC_CATALOGUE.filter(
    (metric) => metric.source === source && !NOT_SERVED.has(metric.name),
  ).map(row);
  return [
    `## ${title}`,
    '',
    text,
    '',
    '| metric | type | unit | labels | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

const text = [
  '# GenAI metrics',
  '',
  'Served on `127.0.0.1:8889/metrics`. Label values are exactly the columns of `spanmeter.calls`; labels in brackets',
  'exist where the `prometheus` exporter is configured with them. A metric has at most `max_series` series: beyond',
  'that model, then service, then team become `other`, never the tenant.',
  '',
  ...SERVED.flatMap(section),
].join('\n');
const style = JSON.parse(readFileSync(new URL('../.prettierrc.json', import.meta.url), 'utf8'));
const page = await format(text, { ...style, parser: 'markdown' });

if (!process.argv.includes('--check')) writeFileSync(FILE, page);
else if (readFileSync(FILE, 'utf8') !== page) {
  console.error('docs/metrics.md is stale: run npm run generate');
  process.exit(1);
}
