import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endedProcess, type EndedProcess, type ProcessOptions } from '../support/ended-process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DIST = fileURLToPath(new URL('../', import.meta.url));

export interface AppOptions {
  readonly code: string;
  readonly format?: 'esm' | 'cjs';
  /** How the instrumentation is loaded; `none` runs the bare app. */
  readonly preload?: 'import' | 'require' | 'none';
  readonly entry?: 'register' | 'hook';
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  readonly onOutput?: ProcessOptions['onOutput'];
}

/** Runs a small app in a process of its own, with real module loading, and waits for its end. */
export async function runApp(options: AppOptions): Promise<EndedProcess> {
  const { format = 'esm', preload = 'import', entry = 'register' } = options;
  // Inside the repository, so that the app's imports resolve to its packages.
  const folder = await mkdtemp(join(DIST, 'app-'));
  const file = join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs');
  await writeFile(file, options.code);
  const flags = preload === 'none' ? [] : [`--${preload}`, `@spanmeter/instrumentation/${entry}`];
  try {
    return await endedProcess(process.execPath, [...(options.nodeOptions ?? []), ...flags, file], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'],
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_SERVICE_NAME: 'test-app',
        OPENAI_API_KEY: 'sk-test',
        ANTHROPIC_API_KEY: 'sk-ant-test',
        ...options.env,
      },
      onOutput: options.onOutput,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
