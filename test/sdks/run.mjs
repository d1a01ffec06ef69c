// Runs one driver's scenarios, one after another, and prints what an app sees of each: `name {"shown":...}`.
// A copy lies beside a set's node_modules while it runs, so that imports find the set's packages.
//
//   STAND_IN_URL=... SDK_FORMAT=esm|cjs SDK_MANIFEST=FILE node [--import @spanmeter/instrumentation/register] run.mjs DRIVER
//
// SDK_MANIFEST, if set, receives what the driver says of its scenarios, and what each threw, as JSON.
// SDK_SCENARIOS, if set, is a comma-separated list of the only ones to run.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as spanmeter from '@spanmeter/instrumentation';

const url = process.env.STAND_IN_URL;
const only = process.env.SDK_SCENARIOS?.split(',');
const driver = await import(new URL(`./drivers/${process.argv[2]}.mjs`, import.meta.url).href);

/** What every request says, so that a test can look for it where it must not be. */
const PROMPT = 'Tell nobody of the blue heron.';

async function control(order) {
  const response = await fetch(`${url}/__stand-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  if (response.status !== 204) throw new Error(`the stand-in answered ${response.status}`);
}

async function load(name) {
  return process.env.SDK_FORMAT === 'cjs' ? createRequire(import.meta.url)(name) : import(name);
}

function describe(error) {
  if (!(error instanceof Error)) return { threw: typeof error, message: JSON.stringify(error) };
  const { message, name, code } = error;
  const status = error.status ?? error.statusCode ?? error.$metadata?.httpStatusCode;
  return { threw: error.constructor.name, name, message, status, code };
}

process.on('unhandledRejection', (error) => console.log('UNHANDLED', JSON.stringify(describe(error))));

const modules = {};
for (const name of driver.packages) modules[name] = await load(name);
const scenarios = driver.scenarios({
  modules,
  url,
  spanmeter,
  prompt: PROMPT,
  /** A request under `behaviour`; the SDK's promise is made by `send`, since awaiting one reads its body. */
  under: async (behaviour, send) => {
    await control({ behaviour });
    return send();
  },
  /** Resolves once the provider has a request of this scenario. */
  arrival: () => control({ await: 'request' }),
});
const manifest = {};
for (const [name, entry] of Object.entries(scenarios)) {
  if (only !== undefined && !only.includes(name)) continue;
  const { run, ...facts } = typeof entry === 'function' ? { run: entry } : entry;
  await control({ scenario: name });
  const outcome = await spanmeter.withAttribution({ feature: name }, async () => {
    try {
      return { shown: await run() };
    } catch (error) {
      return describe(error);
    }
  });
  manifest[name] = { spans: 1, ...facts, ...outcome };
  console.log(name, JSON.stringify(outcome));
  // A rejection that nobody handles is told now, before the next scenario.
  await new Promise((resolve) => setImmediate(resolve));
}
if (process.env.SDK_MANIFEST) writeFileSync(process.env.SDK_MANIFEST, JSON.stringify(manifest));
