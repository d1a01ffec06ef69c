import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOpenaiStandIn } from '@spanmeter/collector/dist/demo/providers/openai.js';
import { REPOSITORY, type CollectorProcess } from '../support/collector-process.ts';
import { settledCalls } from '../support/settled-calls.ts';
import { run } from './child.ts';
import { codeBlock } from './readme.ts';
import { sentCostUsd, servedCostUsd } from './served-cost.ts';
import type { Verdict } from './verdict.ts';
import { sendingTo, withCollector } from './with-collector.ts';

const SOURCES = join(REPOSITORY, 'test', 'compat', 'python');
const PAGE = 'docs/languages/python.md';
const CALLS = 1000;
const BATCH = 100;

/**
 * The real Python exporters, the real OpenAI client under its OpenTelemetry instrumentations (the one of today and
 * the one before it), and what is on the page for Python. The argument, if any, is the folder of the programs of an
 * environment that has what `current.txt` lists; without it environments are created and thrown away.
 */
export function checkPython(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  return withCollector('python', async (collector, dir) => {
    const current = given ?? (await createEnvironment(dir, 'current'));
    await printVersions(current);
    for (const protocol of ['http', 'grpc']) {
      for (const compression of ['none', 'gzip']) {
        await sendSpans(verdict, collector, current, protocol, compression);
      }
    }
    await runApp(verdict, collector, current, 'genai-openai', {});
    await runPage(verdict, collector, current, dir);
    if (given !== undefined) return;
    const older = await createEnvironment(dir, 'openai-v2');
    await printVersions(older);
    await runApp(verdict, collector, older, 'openai-v2', {});
    await runApp(verdict, collector, older, 'openai-v2, opted into the latest conventions', {
      OTEL_SEMCONV_STABILITY_OPT_IN: 'gen_ai_latest_experimental',
    });
  });
}

async function createEnvironment(dir: string, name: string): Promise<string> {
  const home = join(dir, name);
  await run('python3', ['-m', 'venv', home]);
  const bin = join(home, 'bin');
  await run(join(bin, 'pip'), ['install', '--quiet', '--requirement', join(SOURCES, `${name}.txt`)]);
  return bin;
}

async function printVersions(bin: string): Promise<void> {
  const packages = await run(join(bin, 'pip'), ['list', '--format', 'freeze']);
  const wanted =
    /^(openai|opentelemetry-(sdk|exporter-otlp-proto-(http|grpc)|instrumentation-.*|util-genai))==/;
  console.log(
    packages
      .split('\n')
      .filter((line) => wanted.test(line))
      .join(', '),
  );
}

async function sendSpans(
  verdict: Verdict,
  collector: CollectorProcess,
  bin: string,
  protocol: string,
  compression: string,
): Promise<void> {
  const tenant = `${protocol} ${compression}`;
  const port = protocol === 'grpc' ? collector.ports.grpc : collector.ports.http;
  await run(join(bin, 'python'), [join(SOURCES, 'spans.py'), protocol, tenant, `${CALLS}`, `${BATCH}`], {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      // The gRPC exporter knows no word for none.
      OTEL_EXPORTER_OTLP_COMPRESSION: compression === 'none' ? undefined : compression,
    },
  });
  verdict.compare(
    `opentelemetry-exporter-otlp-proto-${protocol}, compression ${compression}`,
    (await settledCalls(collector))[tenant],
    { calls: CALLS, costUsd: sentCostUsd(CALLS), statuses: { priced: CALLS } },
  );
}

/** Runs an app that knows nothing of OpenTelemetry under `opentelemetry-instrument`. */
async function runApp(
  verdict: Verdict,
  collector: CollectorProcess,
  bin: string,
  what: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const openai = await startOpenaiStandIn();
  try {
    await instrumented(collector, bin, join(SOURCES, 'app.py'), what, {
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: `${openai.url}/v1`,
      ...env,
    });
    verdict.compare(
      `the openai client under opentelemetry-instrumentation-${what}`,
      (await settledCalls(collector))[what],
      {
        calls: 5,
        costUsd: servedCostUsd(openai.ledger.requests),
        statuses: { priced: 3, missing_usage: 1, not_billable: 1 },
      },
    );
  } finally {
    await openai.close();
  }
}

/** The call by hand as it stands on the page, and whether what the page installs is what ran here. */
async function runPage(
  verdict: Verdict,
  collector: CollectorProcess,
  bin: string,
  dir: string,
): Promise<void> {
  const asked = /pip install (.+)/.exec(codeBlock(PAGE, 'sh'))?.[1]?.split(' ') ?? [];
  const installed = (await readFile(join(SOURCES, 'current.txt'), 'utf8')).split('\n');
  verdict.compare(
    'what the page installs beside what was tried',
    asked.filter((name) => !installed.includes(name)),
    [],
  );
  const file = join(dir, 'page.py');
  await writeFile(file, codeBlock(PAGE, 'python'));
  await instrumented(collector, bin, file, 'python-page', {});
  verdict.compare('the call by hand on the page', (await settledCalls(collector))['python-page'], {
    calls: 1,
    costUsd: '0.001350000000',
    statuses: { priced: 1 },
  });
}

async function instrumented(
  collector: CollectorProcess,
  bin: string,
  file: string,
  tenant: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await run(join(bin, 'opentelemetry-instrument'), [join(bin, 'python'), file], {
    env: {
      ...sendingTo(collector, tenant),
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      ...env,
    },
  });
}
