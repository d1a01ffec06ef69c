import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEmbedded } from '@spanmeter/collector/dist/database/embedded.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { REPOSITORY, startCollector, type CollectorProcess } from './collector-process.ts';

const run = promisify(execFile);

/** The services of docker-compose.yml that hold data, started on this machine from the same files. */
export interface NativeStack {
  /** Secrets by service, as deploy/secrets.mjs makes them. */
  readonly secrets: string;
  readonly collector: CollectorProcess;
  readonly adminKey: string;
  readonly gatewayKey: string;
  readonly metricsToken: string;
  /** Connects as Grafana does. */
  readonly grafanaUrl: string;
  /** `host:port` */
  readonly postgresAddress: string;
  dispose(): Promise<void>;
}

/** Runs a script of `deploy/`; resolves with what it printed. */
export async function deploy(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const file = join(REPOSITORY, 'deploy', script);
  return (await run(process.execPath, [file, ...args], { env: { ...process.env, ...env } })).stdout;
}

/**
 * Starts PostgreSQL and the collector as docker-compose.yml does: secrets by deploy/secrets.mjs, roles and database by
 * deploy/database.mjs, configuration by deploy/otel-config.yaml.
 */
export async function startNativeStack(): Promise<NativeStack> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-stack-'));
  const settings = { fsync: 'off', full_page_writes: 'off' };
  const server = await startEmbedded({ dataDir: join(folder, 'postgres'), log: SILENT_LOG, settings });
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const admin = new URL(server.adminUrl);
    const secrets = join(folder, 'secrets');
    const secret = (path: string): Promise<string> => readFile(join(secrets, path), 'utf8');
    await mkdir(join(secrets, 'postgres'), { recursive: true });
    await writeFile(join(secrets, 'postgres', 'password'), decodeURIComponent(admin.password));
    const env = { SPANMETER_POSTGRES_ADDRESS: admin.host, SPANMETER_POSTGRES_ADMIN: admin.username };
    await deploy('secrets.mjs', [secrets], env);
    await deploy('database.mjs', [join(secrets, 'database')], env);
    const collector = await startCollector({
      args: ['--config', join(REPOSITORY, 'deploy', 'otel-config.yaml')],
      env: { SPANMETER_SECRETS: join(secrets, 'collector') },
    });
    const password = await secret('grafana/postgres_password');
    return {
      secrets,
      collector,
      adminKey: await secret('collector/admin_key'),
      gatewayKey: await secret('demo/gateway_key'),
      metricsToken: await secret('prometheus/metrics_token'),
      grafanaUrl: `postgres://spanmeter_grafana:${password}@${admin.host}/spanmeter`,
      postgresAddress: admin.host,
      async dispose() {
        await collector.dispose();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
