// Runs the compiled tests in two mocha processes side by side, each file in one of them, and adds up what they say.
//
//   node scripts/test.mjs [--reporter NAME] [--except PART]...
//
// --except leaves out the files whose path contains PART.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: {
    reporter: { type: 'string', default: 'spec' },
    except: { type: 'string', multiple: true, default: [] },
  },
});
const PROCESSES = Math.min(2, availableParallelism());

// Roughly how long the files of a folder take, in seconds: only for an even share.
const SECONDS = [
  ['collector/simulator/', 32],
  ['integration/reprice-crash', 25],
  ['integration/kill-nine', 25],
  ['integration/dashboards/every-query', 60],
  ['integration/budgets', 18],
  ['integration/', 10],
  ['collector/postgres/embedded', 30],
  ['collector/api/as-of', 15],
  ['collector/reprice/', 8],
  ['collector/prices/', 8],
  ['instrumentation/sdks/', 12],
  ['instrumentation/', 8],
  ['deploy/overspend', 15],
  ['deploy/stack', 12],
  ['collector/alerts/delivery', 16],
  ['collector/budgets/spending', 14],
  ['collector/alerts/', 5],
  ['collector/budgets/', 6],
  ['collector/cli/budget', 8],
  ['collector/api/', 6],
  ['dashboards/rules/alerts-fire', 25],
  ['dashboards/rules/chain', 8],
  ['', 2],
];

function seconds(file) {
  return SECONDS.find(([part]) => file.includes(part))[1];
}

const folder = join(root, 'test', 'dist');
const files = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.test.js') && !options.except.some((part) => file.includes(part)))
  .toSorted((a, b) => seconds(b) - seconds(a) || (a < b ? -1 : 1));
const shares = Array.from({ length: PROCESSES }, () => ({ files: [], seconds: 0 }));
for (const file of files) {
  const share = shares.reduce((least, each) => (each.seconds < least.seconds ? each : least));
  share.files.push(join('test', 'dist', file));
  share.seconds += seconds(file);
}

/** The first share is shown as it runs, the others when it is done. */
async function run(share, isShown) {
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const child = spawn(process.execPath, [mocha, '--reporter', options.reporter, ...share.files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (isShown) process.stdout.write(part);
    });
  }
  const [code] = await once(child, 'close');
  return { code, text };
}

function sum(results, word) {
  return results.reduce((total, { text }) => {
    const counts = [...text.matchAll(new RegExp(`^ *(\\d+) ${word}`, 'gm'))];
    return total + Number(counts.at(-1)?.[1] ?? 0);
  }, 0);
}

const started = Date.now();
const results = await Promise.all(shares.map((share, index) => run(share, index === 0)));
for (const { text } of results.slice(1)) process.stdout.write(text);
const failing = sum(results, 'failing');
const broken = results.filter(({ code, text }) => code !== 0 && sum([{ text }], 'failing') === 0).length;
console.log(`\n  ${sum(results, 'passing')} passing in all (${Math.round((Date.now() - started) / 1000)}s)`);
if (failing + broken > 0) console.log(`  ${failing + broken} failing in all`);
process.exitCode = failing + broken > 0 ? 1 : 0;
