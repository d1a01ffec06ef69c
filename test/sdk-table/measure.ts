import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { CollectorProcess } from '../support/collector-process.ts';
import { runSdk, type SdkRun, type SdkRunOptions } from '../support/sdk-run.ts';
import { installSet } from '../support/sdk-set.ts';
import { coversSdk, type Entry, type Rival } from './entries.ts';
import { storedOf, storeServed, type Stored } from './stored.ts';
import { verdictOf, type Tallied } from './verdict.ts';

export const OURS = 'Spanmeter';

/** One SDK's columns: verdicts by tool and scenario. */
export interface Measured {
  readonly entry: Entry;
  readonly scenarios: readonly string[];
  readonly tools: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Where the models of a wire are priced; for the others, where Spanmeter says that the call went. */
const PROVIDERS: Readonly<Record<string, string>> = { openai: 'openai', '@anthropic-ai/sdk': 'anthropic' };

interface Observed {
  readonly tool: string;
  readonly run: SdkRun;
  readonly tallied: Readonly<Record<string, Tallied>>;
  readonly stored: Readonly<Record<string, Stored>>;
}

/** Runs an SDK's driver bare, under Spanmeter, and under every rival that covers it. */
export async function measure(
  collector: CollectorProcess,
  entry: Entry,
  rivals: readonly Rival[],
): Promise<Measured> {
  const bare = await runOnce(entry, {});
  const ours = await observe(collector, entry, OURS, {
    nodeOptions: [entry.format === 'cjs' ? '--require' : '--import', '@spanmeter/instrumentation/register'],
  });
  const observed = [ours];
  for (const rival of rivals.filter((each) => coversSdk(each, entry))) {
    await installSet(rival.set);
    observed.push(await observe(collector, entry, rival.name, { nodeOptions: ['--import', rival.setup] }));
  }
  const providerOf = (scenario: string): string =>
    PROVIDERS[entry.package] ?? ours.stored[scenario]?.provider ?? entry.driver;
  const scenarios = Object.keys(bare.outcomes);
  const tools: Record<string, Record<string, string>> = {};
  for (const { tool, run, tallied, stored } of observed) {
    const reference = `${tenantOf(entry, tool)} served`;
    await storeServed(collector, reference, run.requests, providerOf);
    const served = await storedOf(collector, reference);
    tools[tool] = Object.fromEntries(
      scenarios.map((scenario) => [
        scenario,
        verdictOf({
          scenario,
          bare,
          run,
          tallied: tallied[scenario],
          stored: stored[scenario],
          served: served[scenario],
          expected: entry.sdk.expect?.[scenario]?.billed ?? entry.sdk.expect?.[scenario]?.usage,
        }),
      ]),
    );
    if (run.code !== 0 || run.stderr !== bare.stderr) {
      console.error(
        `${entry.package}@${entry.version} under ${tool}: exit ${run.code}\n${run.stderr.slice(0, 2000)}`,
      );
    }
  }
  return { entry, scenarios, tools };
}

function tenantOf({ driver, sdk }: Entry, tool: string): string {
  return `${driver} of ${sdk.set} under ${tool}`;
}

async function observe(
  collector: CollectorProcess,
  entry: Entry,
  tool: string,
  more: Partial<SdkRunOptions>,
): Promise<Observed> {
  const tenant = tenantOf(entry, tool);
  const tally = join(tmpdir(), `spanmeter-tally-${randomUUID()}.json`);
  try {
    const run = await runOnce(entry, {
      ...more,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.ports.http}`,
        OTEL_SERVICE_NAME: 'sdk-lab',
        OTEL_RESOURCE_ATTRIBUTES: `tenant.id=${encodeURIComponent(tenant)}`,
        SDK_TENANT: tenant,
        SDK_TALLY: tally,
      },
    });
    const tallied = JSON.parse(await readFile(tally, 'utf8').catch(() => '{}')) as Record<string, Tallied>;
    return { tool, run, tallied, stored: await storedOf(collector, tenant) };
  } finally {
    await rm(tally, { force: true });
  }
}

/** Each run has a stand-in of its own, so that its answers are numbered alike. */
async function runOnce(entry: Entry, more: Partial<SdkRunOptions>): Promise<SdkRun> {
  const standIn = await entry.sdk.wire();
  try {
    return await runSdk({
      set: entry.sdk.set,
      driver: entry.driver,
      format: entry.format,
      standIn,
      ...more,
      env: { ...entry.sdk.env, ...more.env },
    });
  } finally {
    await standIn.close();
  }
}
