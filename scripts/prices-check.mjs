// Lists where the base prices, the reviewed overlay and the golden cases disagree, apart from what is accepted in
// processors/src/prices/accepted.ts. Exits 1 where a golden case is not met or a reviewed entry is broken.
//
//   npm run prices:check -- [--against FILE] [--at INSTANT] [--all]
//
// FILE is a table in the format of LiteLLM's model_prices_and_context_window.json; what differs there is only listed.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  ACCEPTED_FINDINGS,
  BASE_PRICES,
  checkGolden,
  checkOverlay,
  compareWithMap,
  createPriceBook,
  createPricer,
  isFatal,
  newFindings,
  OVERLAY,
} from '../processors/dist/index.js';

const { values: options } = parseArgs({
  options: {
    against: { type: 'string' },
    at: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const golden = JSON.parse(readFileSync(join(root, 'test', 'fixtures', 'prices.json'), 'utf8'));

const unaccepted = (found) => (options.all ? found : newFindings(found, ACCEPTED_FINDINGS));
const all = [...checkGolden(golden, createPricer()), ...checkOverlay(BASE_PRICES, OVERLAY)];
const findings = unaccepted(all);
for (const { kind, subject, text } of findings) console.log(`${kind}: ${subject}: ${text}`);
console.log(
  `${golden.length} golden cases, ${OVERLAY.entries.length} prices and ` +
    `${OVERLAY.patches.length} patches over the base: ${findings.length} findings, ` +
    `${all.length - findings.length} accepted`,
);

if (options.against !== undefined) {
  const at = options.at ?? `${new Date().toISOString().slice(0, 10)}T12:00:00Z`;
  const { sellers, differences } = compareWithMap(
    createPriceBook(),
    readFileSync(options.against, 'utf8'),
    at,
  );
  console.table(Object.fromEntries([...sellers].toSorted(([a], [b]) => (a < b ? -1 : 1))));
  const fresh = unaccepted(differences);
  for (const { subject, theirs, ours, reason } of fresh) {
    console.log(`${subject}: ${theirs} there, ${ours ?? `none here (${reason})`} for 1,000`);
  }
  console.log(`${fresh.length} prices differ, ${differences.length - fresh.length} accepted`);
}
process.exitCode = findings.some(isFatal) ? 1 : 0;
