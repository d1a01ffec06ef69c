import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAnthropicStandIn } from '@spanmeter/collector/dist/demo/providers/anthropic.js';
import { startOpenaiStandIn } from '@spanmeter/collector/dist/demo/providers/openai.js';
import type { StandIn } from '@spanmeter/collector/dist/demo/providers/stand-in.js';
import type { CollectorProcess } from '../support/collector-process.ts';
import { packInstrumentation } from '../support/pack-instrumentation.ts';
import { query } from '../support/query.ts';
import { settledCalls } from '../support/settled-calls.ts';
import { run } from './child.ts';
import { installIn } from './lab.ts';
import { codeUnder } from './readme.ts';
import { servedCostUsd } from './served-cost.ts';
import type { Verdict } from './verdict.ts';
import { withCollector } from './with-collector.ts';

const CALLS = `
const openai = new OpenAI();
const anthropic = new Anthropic();
const messages = [{ role: 'user', content: 'hello' }];

async function main() {
  const streamed = { model: 'gpt-4o-mini', messages, stream: true };
  const stream_options = { include_usage: true };
  for await (const chunk of await openai.chat.completions.create({ ...streamed, stream_options })) chunk;
  for await (const chunk of await openai.chat.completions.create(streamed)) chunk;
  await anthropic.messages.create({ model: 'claude-haiku-4-5', max_tokens: 100, messages });
}
`;

/** Two apps that know nothing of OpenTelemetry. */
const APPS: Readonly<Record<string, string>> = {
  'app.mjs': `import OpenAI from 'openai';\nimport Anthropic from '@anthropic-ai/sdk';\n${CALLS}\nawait main();\n`,
  'app.cjs': `const OpenAI = require('openai');\nconst Anthropic = require('@anthropic-ai/sdk');\n${CALLS}\nvoid main();\n`,
};

/** Ways to start them: what Node is told, and which app. */
const WAYS: readonly (readonly [preload: string, app: string])[] = [
  ['--import', 'app.mjs'],
  ['--require', 'app.cjs'],
  ['--import', 'app.cjs'],
  ['--require', 'app.mjs'],
];

/** Its snippets are run as they are, but for the ports. */
const PAGE = 'docs/senders.md';

/** The packed `@spanmeter/instrumentation`, installed beside the SDKs in a folder of its own. */
export function checkPackage(verdict: Verdict): Promise<void> {
  return withCollector('package', async (collector, dir) => {
    await installIn(dir, [await packInstrumentation(dir), 'openai', '@anthropic-ai/sdk']);
    console.log((await run('npm', ['ls', '--depth=0'], { cwd: dir })).trim());
    for (const [name, source] of Object.entries(APPS)) await writeFile(join(dir, name), source);
    for (const [preload, app] of WAYS) {
      const args = [preload, '@spanmeter/instrumentation/register', app];
      await runApp(verdict, collector, dir, args, `${preload} ${app}`);
    }
    await runPage(verdict, collector, dir);
    verdict.compare('emitters', await emitters(collector), [
      '@spanmeter/instrumentation',
      // The Anthropic SDK makes spans of its own where an OpenTelemetry SDK runs; they are completed, not doubled.
      'com.anthropic.sdk.typescript',
    ]);
  });
}

/** Runs an app against stand-ins and compares; `tenant` names the run. */
async function runApp(
  verdict: Verdict,
  collector: CollectorProcess,
  dir: string,
  args: readonly string[],
  tenant: string,
): Promise<void> {
  const [openai, anthropic]: [StandIn, StandIn] = await Promise.all([
    startOpenaiStandIn(),
    startAnthropicStandIn(),
  ]);
  try {
    const output = await run(process.execPath, args, {
      cwd: dir,
      env: {
        OPENAI_API_KEY: 'none',
        OPENAI_BASE_URL: `${openai.url}/v1`,
        ANTHROPIC_API_KEY: 'none',
        ANTHROPIC_BASE_URL: anthropic.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.ports.http}`,
        OTEL_SERVICE_NAME: 'checkout',
        OTEL_RESOURCE_ATTRIBUTES: `tenant.id=${encodeURIComponent(tenant)}`,
      },
    });
    verdict.compare(`what ${tenant} itself prints`, output, '');
    const served = [...openai.ledger.requests, ...anthropic.ledger.requests];
    verdict.compare(`node ${args.join(' ')}`, (await settledCalls(collector))[tenant], {
      calls: 3,
      costUsd: servedCostUsd(served),
      statuses: { priced: 2, missing_usage: 1 },
    });
  } finally {
    await Promise.all([openai.close(), anthropic.close()]);
  }
}

async function runPage(verdict: Verdict, collector: CollectorProcess, dir: string): Promise<void> {
  const { http, api } = collector.ports;
  const snippet = (heading: string, language: string, index?: number): string =>
    codeUnder(PAGE, heading, language, index).replaceAll(':4318', `:${http}`).replaceAll(':8080', `:${api}`);
  const packages = ['sdk-node', 'sdk-trace-node', 'exporter-trace-otlp-proto'];
  const names = packages.map((name) => `@opentelemetry/${name}`);
  await run('npm', ['install', '--no-audit', '--no-fund', ...names], { cwd: dir });

  const ownSdk = 'Node.js with an OpenTelemetry SDK';
  await writeFile(join(dir, 'tracing.mjs'), snippet(ownSdk, 'js'));
  const args = snippet(ownSdk, 'sh').trim().split(' ').slice(1);
  await runApp(verdict, collector, dir, args, 'an SDK of its own');

  const openai = await startOpenaiStandIn();
  await writeFile(join(dir, 'attributed.mjs'), snippet('Node.js', 'js'));
  await run(process.execPath, ['--import', '@spanmeter/instrumentation/register', 'attributed.mjs'], {
    cwd: dir,
    env: {
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: `${openai.url}/v1`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${http}`,
    },
  });
  await openai.close();
  verdict.compare('the page: withAttribution', (await settledCalls(collector))['acme'], {
    calls: 1,
    costUsd: servedCostUsd(openai.ledger.requests),
    statuses: { priced: 1 },
  });

  verdict.compare('the page: curl is answered', await run('sh', ['-c', snippet('curl', 'sh')]), '{}');
  await settledCalls(collector);
  const spend = await run('sh', ['-c', snippet('curl', 'sh', 1)]);
  const { rows } = JSON.parse(spend) as { rows: { team: string | null; cost_usd: string }[] };
  verdict.compare(
    'the page: what its call cost',
    rows.filter(({ team }) => team === 'payments').map((row) => row.cost_usd),
    ['0.001350000000'],
  );
}

async function emitters(collector: CollectorProcess): Promise<string[]> {
  const rows = await query<{ scope: string }>(
    collector.databaseUrl(),
    `SELECT DISTINCT scope_name AS scope FROM spanmeter.calls WHERE tenant_id LIKE '--%' ORDER BY 1`,
  );
  return rows.map(({ scope }) => scope);
}
