import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY, startCollector } from '../support/collector-process.ts';
import { missingNode } from '../support/sdk-set.ts';
import { readEntries, readRivals } from './entries.ts';
import { measure, OURS, type Measured } from './measure.ts';
import { renderPage } from './page.ts';
import { GOOD } from './verdict.ts';

const PAGE = join(REPOSITORY, 'docs', 'sdk-table.md');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { print: { type: 'boolean', default: false } },
});

/** `npm run sdks:table [-- --print] [driver...]`: some drivers alone are printed, all of them make the page. */
async function main(): Promise<void> {
  const rivals = readRivals();
  const entries = (await readEntries()).filter(
    ({ driver }) => positionals.length === 0 || positionals.includes(driver),
  );
  const collector = await startCollector();
  const measured: Measured[] = [];
  try {
    for (const entry of entries) {
      const name = `${entry.driver} of ${entry.sdk.set}`;
      const needed = missingNode(entry.sdk.set);
      if (needed !== undefined) {
        console.error(`${name}: left out, it needs Node ${needed}`);
        continue;
      }
      const result = await measure(collector, entry, rivals);
      measured.push(result);
      for (const [tool, verdicts] of Object.entries(result.tools)) {
        const bad = Object.entries(verdicts).filter(([, verdict]) => !GOOD.includes(verdict));
        console.error(
          `${name} under ${tool}: ${result.scenarios.length - bad.length} of ${result.scenarios.length}`,
        );
        if (tool === OURS) for (const [scenario, verdict] of bad) console.error(`  ${scenario}: ${verdict}`);
      }
    }
  } finally {
    await collector.dispose();
  }
  const page = renderPage(measured, rivals, new Date().toISOString().slice(0, 10));
  if (values.print || positionals.length > 0) console.log(page);
  else await writeFile(PAGE, page);
}

await main();
process.exit();
