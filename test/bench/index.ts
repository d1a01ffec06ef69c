import { cpus } from 'node:os';
import { benchCopy } from './copy.bench.ts';
import { benchDashboards } from './dashboards.bench.ts';
import { benchForward } from './forward.bench.ts';
import { benchIngest } from './ingest.bench.ts';
import { benchInstrumentation } from './instrumentation.bench.ts';
import { benchLeak } from './leak.bench.ts';
import { benchOtlp } from './otlp.bench.ts';
import { benchPackage } from './package.bench.ts';
import { benchPrice } from './price.bench.ts';
import { benchReprice } from './reprice.bench.ts';
import { benchScrape } from './scrape.bench.ts';

const BENCHES: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
  otlp: benchOtlp,
  price: benchPrice,
  reprice: benchReprice,
  copy: benchCopy,
  ingest: benchIngest,
  scrape: benchScrape,
  forward: benchForward,
  dashboards: benchDashboards,
  instrumentation: benchInstrumentation,
  package: benchPackage,
  leak: benchLeak,
};

/** These take long, or the network, and run only where they are named. */
const ONLY_NAMED: readonly string[] = ['package', 'leak'];

/** `npm run bench [name...]`: figures as JSON, with the machine named. Never a gate. */
async function run(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => BENCHES[name] === undefined);
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const results: Record<string, unknown> = {
    machine: {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      node: process.version,
      platform: process.platform,
    },
  };
  const byDefault = Object.keys(BENCHES).filter((name) => !ONLY_NAMED.includes(name));
  for (const name of names.length > 0 ? names : byDefault) {
    console.error(`${name}...`);
    results[name] = await BENCHES[name]!();
  }
  console.log(JSON.stringify(results, null, 2));
}

await run(process.argv.slice(2));
