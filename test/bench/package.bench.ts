import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../compat/child.ts';
import { packInstrumentation } from '../support/pack-instrumentation.ts';
import { setManifest } from '../support/sdk-set.ts';

interface Size {
  readonly packages: number;
  /** Of all files, dependencies included. */
  readonly unpackedKb: number;
}

/** What each has to be installed, and what sending its spans to an OTLP endpoint takes beside it. */
const RIVALS: Readonly<Record<string, readonly string[]>> = {
  'rivals-opentelemetry': ['@opentelemetry/instrumentation-openai'],
  'rivals-traceloop': ['@traceloop/instrumentation-openai', '@traceloop/instrumentation-anthropic'],
  'rivals-openinference': [
    '@arizeai/openinference-instrumentation-openai',
    '@arizeai/openinference-instrumentation-anthropic',
  ],
};

const SENDING = /^@opentelemetry\/(api|sdk-|resources|exporter-|instrumentation$)/;

/** Installs packages into an empty folder and measures it. */
async function sizeOf(packages: readonly string[]): Promise<Size> {
  const dir = await mkdtemp(join(tmpdir(), 'spanmeter-size-'));
  try {
    await writeFile(join(dir, 'package.json'), '{ "private": true }\n');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    await run('npm', ['install', ...flags, ...packages], { cwd: dir });
    const listed = await run('npm', ['ls', '--all', '--parseable', '--loglevel=error'], { cwd: dir });
    const installed = new Set(listed.split('\n').filter((line) => line.includes('node_modules')));
    return { packages: installed.size, unpackedKb: Math.round((await bytesOf(dir)) / 1024) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function bytesOf(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile() && entry.name !== '.package-lock.json')
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** What an installation weighs: ours, which sends by itself, and others alone and with what sends their spans. */
export async function benchPackage(): Promise<Record<string, unknown>> {
  const dir = await mkdtemp(join(tmpdir(), 'spanmeter-pack-'));
  try {
    const tarball = await packInstrumentation(dir);
    const results: Record<string, unknown> = {
      what: 'an empty folder after npm install; ours includes the OpenTelemetry SDK and exporter',
      spanmeter: { tarballKb: Math.round((await stat(tarball)).size / 1024), ...(await sizeOf([tarball])) },
    };
    for (const [set, names] of Object.entries(RIVALS)) {
      const { dependencies } = setManifest(set);
      const at = (name: string): string => `${name}@${dependencies[name]}`;
      const sending = Object.keys(dependencies).filter((name) => SENDING.test(name));
      results[set.replace('rivals-', '')] = {
        names,
        alone: await sizeOf(names.map(at)),
        withSending: await sizeOf([...names, ...sending].map(at)),
      };
    }
    return results;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
