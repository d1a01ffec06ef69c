// Runs the compiled tests in a few mocha processes side by side, each file in one of them, and adds up what they say.
//
//   node scripts/test.mjs [--reporter NAME] [--only PART]... [--except PART]...
//
// --only takes the files alone whose path contains a PART, --except leaves them out. With SPANMETER_TEST_RETRIES=1 a test
// that fails is tried once more, which is told.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: {
    reporter: { type: 'string', default: 'spec' },
    only: { type: 'string', multiple: true, default: [''] },
    except: { type: 'string', multiple: true, default: [] },
  },
});
/** One more than there are cores, of two: tests wait for clocks, disks and processes as well. */
const PROCESSES = Math.min(3, availableParallelism() + 1);
/** Starting a process for less would cost more than it evens out. */
const SMALLEST_SHARE_SECONDS = 12;

const retries = process.env.SPANMETER_TEST_RETRIES ?? '';
const AGAIN = retries === '' ? [] : ['--retries', retries, '--require', './test/dist/support/tried-again.js'];

// Roughly how long the files of a folder take alone, in seconds: who is slow goes first.
const SECONDS = [
  ['integration/dashboards/every-query', 40],
  ['integration/reprice-crash', 25],
  ['integration/bad-input', 20],
  ['integration/start', 18],
  ['integration/faults', 16],
  ['integration/kill-nine', 16],
  ['integration/storage', 14],
  ['integration/prices', 14],
  ['integration/estimates', 13],
  ['integration/keys', 12],
  ['integration/', 9],
  ['collector/postgres/embedded', 25],
  ['collector/simulator/', 14],
  ['collector/budgets/spending', 11],
  ['collector/api/as-of', 11],
  ['collector/reprice/reprice', 10],
  ['collector/alerts/delivery', 10],
  ['collector/otlp/hostile', 8],
  ['collector/cli/book', 7],
  ['collector/forecast/backtest', 7],
  ['collector/budgets/budget-spend', 7],
  ['collector/cli/b', 6],
  ['collector/alerts/store', 6],
  ['collector/prices/', 5],
  ['collector/otlp/json', 5],
  ['collector/journal/recovery', 5],
  ['dashboards/rules/alerts-fire', 22],
  ['dashboards/rules/chain', 8],
  ['instrumentation/exit', 18],
  ['instrumentation/sdks/mistral', 14],
  ['instrumentation/sdks/ai.', 13],
  ['instrumentation/sdks/mcp', 12],
  ['instrumentation/register', 12],
  ['instrumentation/sdks/cohere', 11],
  ['instrumentation/sdks/openai-asked', 10],
  ['instrumentation/sdks/anthropic', 9],
  ['instrumentation/sdks/huggingface', 8],
  ['instrumentation/processes', 9],
  ['instrumentation/hook', 9],
  ['instrumentation/instrument', 8],
  ['instrumentation/budget-guard', 8],
  ['instrumentation/packed', 6],
  ['instrumentation/sdks/vendor-', 2],
  ['instrumentation/sdks/hostile-input', 2],
  ['instrumentation/sdks/', 6],
  ['instrumentation/', 2],
  ['deploy/overspend', 10],
  ['deploy/stack', 9],
  ['demo/run', 6],
  ['collector/api/', 3],
  ['collector/cli/', 3],
  ['collector/budgets/', 3],
  ['collector/alerts/', 2],
  ['', 1],
];

function seconds(file) {
  return SECONDS.find(([part]) => file.includes(part))[1];
}

const folder = join(root, 'test', 'dist');
const queue = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => options.only.some((part) => file.includes(part)))
  .filter((file) => !options.except.some((part) => file.includes(part)))
  .toSorted((a, b) => seconds(b) - seconds(a) || (a < b ? -1 : 1));

/** The files that a process takes next: at first many that are slow, at last few, so that all end together. */
function nextShare() {
  const left = queue.reduce((sum, file) => sum + seconds(file), 0);
  const wanted = Math.max(SMALLEST_SHARE_SECONDS, left / (2 * PROCESSES));
  const files = [];
  for (let taken = 0; taken < wanted && queue.length > 0; taken += seconds(files.at(-1))) {
    files.push(queue.shift());
  }
  return files;
}

/** Shows one share as it runs, and the others when that is done. */
class Screen {
  #shown = null;
  #waiting = new Set();

  open() {
    const share = { text: '', unseen: '', isDone: false };
    this.#waiting.add(share);
    this.#turn();
    return share;
  }

  write(share, part) {
    share.text += part;
    if (share === this.#shown) process.stdout.write(part);
    else share.unseen += part;
  }

  close(share) {
    share.isDone = true;
    if (share === this.#shown) this.#shown = null;
    this.#turn();
  }

  #turn() {
    for (const share of this.#waiting) {
      if (this.#shown !== null) return;
      this.#waiting.delete(share);
      process.stdout.write(share.unseen);
      if (!share.isDone) this.#shown = share;
    }
  }
}

async function run(files, screen, env) {
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const paths = files.map((file) => join('test', 'dist', file));
  const child = spawn(process.execPath, [mocha, '--reporter', options.reporter, ...AGAIN, ...paths], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const share = screen.open();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => screen.write(share, part));
  }
  const [code] = await once(child, 'close');
  screen.close(share);
  return { code, text: stripVTControlCharacters(share.text) };
}

/** Runs shares until none is left. */
async function work(screen, env, results) {
  while (queue.length > 0) results.push(await run(nextShare(), screen, env));
}

function sum(results, word) {
  return results.reduce((total, { text }) => {
    const counts = [...text.matchAll(new RegExp(`^ *(\\d+) ${word}`, 'gm'))];
    return total + Number(counts.at(-1)?.[1] ?? 0);
  }, 0);
}

const started = Date.now();
const results = [];
const cluster = mkdtempSync(join(tmpdir(), 'spanmeter-cluster-'));
try {
  const { makeCluster } = await import('../test/dist/support/made-cluster.js');
  await makeCluster(cluster);
  const env = { ...process.env, SPANMETER_TEST_CLUSTER: cluster };
  const screen = new Screen();
  await Promise.all(Array.from({ length: PROCESSES }, () => work(screen, env, results)));
} finally {
  rmSync(cluster, { recursive: true, force: true });
}
/** What mocha said of the tests of a share that failed, or the end of what a process said that mocha ended without. */
function faults({ code, text }) {
  if (code === 0) return '';
  const summary = text.search(/^ *\d+ failing/m);
  return summary === -1 ? text.slice(-4000) : text.slice(summary);
}

const again = results.flatMap(({ text }) => text.match(/^ *tried again: .*/gm) ?? []);
if (again.length > 0) console.log(`\n  ${again.length} tried again:\n${again.join('\n')}`);
const failing = sum(results, 'failing');
const broken = results.filter(({ code, text }) => code !== 0 && sum([{ text }], 'failing') === 0).length;
console.log(`\n  ${sum(results, 'passing')} passing in all (${Math.round((Date.now() - started) / 1000)}s)`);
if (failing + broken > 0)
  console.log(`  ${failing + broken} failing in all:\n${results.map(faults).join('')}`);
process.exitCode = failing + broken > 0 ? 1 : 0;
