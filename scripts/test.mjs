// Runs the compiled tests in a few mocha processes side by side, each file in one of them, and adds up what they say.
//
//   node scripts/test.mjs [--reporter NAME] [--only PART]... [--except PART]... [--slowest N]
//
// --only takes the files alone whose path contains a PART, --except leaves them out; --slowest lists how long files took.
// With SPANMETER_TEST_RETRIES=N a file in which a test failed runs up to N times more, alone, when all others are done,
// which is told.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: {
    reporter: { type: 'string', default: 'spec' },
    only: { type: 'string', multiple: true, default: [''] },
    except: { type: 'string', multiple: true, default: [] },
    slowest: { type: 'string', default: '0' },
  },
});
/** One more than there are cores, of two: tests wait for clocks, disks and processes as well. */
const PROCESSES = Math.min(3, availableParallelism() + 1);
/** Starting a process for less would cost more than it evens out. */
const SMALLEST_SHARE_SECONDS = 12;

const RETRIES = Number(process.env.SPANMETER_TEST_RETRIES ?? '0');
/** More are no accident. */
const MOST_RETRIED = 10;

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
  return SECONDS.find(([part]) => relative(folder, file).includes(part))[1];
}

const folder = join(root, 'test', 'dist');
const queue = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  // What is left of a test that there is no more is not run.
  .filter((file) => existsSync(join(root, 'test', file.replace(/js$/, 'ts'))))
  .filter((file) => options.only.some((part) => file.includes(part)))
  .filter((file) => !options.except.some((part) => file.includes(part)))
  .map((file) => join(folder, file))
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

/** Runs files in one process: what came of each, and what mocha said of tests that failed. */
async function run(files, screen, env) {
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const told = join(scratch, `${randomUUID()}.json`);
  const reporter = ['--reporter', join(root, 'scripts', 'told-by-file.cjs')];
  const child = spawn(
    process.execPath,
    [mocha, ...reporter, '--reporter-option', `base=${options.reporter},told=${told}`, ...files],
    { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const share = screen.open();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => screen.write(share, part));
  }
  const [code] = await once(child, 'close');
  screen.close(share);
  return {
    code,
    counts: countsOf(files, told),
    faults: code === 0 ? '' : faultsOf(stripVTControlCharacters(share.text), code, files),
  };
}

/** A process that mocha ended without tells nothing: each of its files counts as failed. */
function countsOf(files, told) {
  try {
    return JSON.parse(readFileSync(told, 'utf8'));
  } catch {
    return Object.fromEntries(
      files.map((file) => [file, { passing: 0, pending: 0, failing: 1, seconds: 0 }]),
    );
  }
}

/** What mocha said of the tests that failed, or the end of what a process said that mocha ended without. */
function faultsOf(text, code, files) {
  const summary = text.search(/^ *\d+ failing/m);
  if (summary !== -1) return text.slice(summary);
  const names = files.map((file) => relative(folder, file)).join(', ');
  return `  The process of ${names} ended with ${code}:\n${text.slice(-4000)}`;
}

const results = new Map();
const faults = new Map();

/** Keeps what came of the files, the last time that each ran. */
function keep({ code, counts, faults: said }) {
  for (const [file, of] of Object.entries(counts)) {
    results.set(file, of);
    faults.delete(file);
    if (of.failing > 0) faults.set(file, said);
  }
  // Mocha was content with every test, and its process failed all the same.
  if (code !== 0 && Object.values(counts).every(({ failing }) => failing === 0)) {
    const [file] = Object.keys(counts);
    results.set(file, { ...counts[file], failing: 1 });
    faults.set(file, said);
  }
}

/** Runs shares until none is left. */
async function work(screen, env) {
  while (queue.length > 0) keep(await run(nextShare(), screen, env));
}

/** Runs the files again in which a test failed, one by one. */
async function tryAgain(screen, env) {
  const again = [...faults.keys()];
  if (again.length > MOST_RETRIED) return;
  for (const file of again) {
    for (let tries = 0; tries < RETRIES && faults.has(file); tries += 1) {
      console.log(`\n  tried again: ${relative(folder, file)}`);
      keep(await run([file], screen, env));
    }
  }
}

function sum(name) {
  return [...results.values()].reduce((total, of) => total + of[name], 0);
}

function tellSlowest(count) {
  const slowest = [...results].toSorted(([, a], [, b]) => b.seconds - a.seconds).slice(0, count);
  for (const [file, { seconds: took }] of slowest)
    console.log(`  ${took.toFixed(1)} s ${relative(folder, file)}`);
}

const started = Date.now();
const scratch = mkdtempSync(join(tmpdir(), 'spanmeter-tests-'));
try {
  const { makeCluster } = await import('../test/dist/support/made-cluster.js');
  const cluster = join(scratch, 'cluster');
  await makeCluster(cluster);
  const env = { ...process.env, SPANMETER_TEST_CLUSTER: cluster };
  const screen = new Screen();
  await Promise.all(Array.from({ length: PROCESSES }, () => work(screen, env)));
  await tryAgain(screen, env);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
tellSlowest(Number(options.slowest));
console.log(`\n  ${sum('passing')} passing in all (${Math.round((Date.now() - started) / 1000)}s)`);
if (faults.size > 0) {
  console.log(`  ${sum('failing')} failing in all:\n${[...new Set(faults.values())].join('')}`);
  process.exitCode = 1;
}
