import { resolve } from 'node:path';
import { COMPONENTS } from '../components.ts';
import { loadConfig } from '../config/load.ts';
import { keysFileFault } from '../service/keys.ts';
import { pricesFault } from '../service/prices.ts';
import { MainRuntime, StartFailure } from '../service/main-runtime.ts';
import type { DatabaseAddress } from '../service/messages.ts';
import { createLogger } from '../telemetry/log.ts';
import { createSelfMetrics } from '../telemetry/self-metrics.ts';
import { banner } from './banner.ts';
import type { StartOptions } from './start-options.ts';
import { describeFaults } from './validate.ts';

/** Time from SIGTERM to the end, at most; orchestrators kill after 30 s. */
const STOP_DEADLINE_MS = 25_000;

const LINGER_MS = 1_000;

/** Runs a collector until SIGTERM or SIGINT. Resolves with the exit code: 0, 1 failed, 2 bad configuration. */
export async function start(options: StartOptions): Promise<number> {
  const loaded = loadConfig(options.config, options.set, process.env, COMPONENTS);
  if (loaded.config === undefined) {
    process.stderr.write(`${describeFaults(loaded.faults)}\n`);
    return 2;
  }
  const { config } = loaded;
  for (const fault of [await keysFileFault(config), await pricesFault(config)]) {
    if (fault === null) continue;
    process.stderr.write(`${fault}\n`);
    return 2;
  }
  const { level, encoding } = config.service.telemetry.logs;
  const terminal = encoding === 'console' || (encoding === 'auto' && process.stderr.isTTY);
  // A log that nobody reads any more, a pipe whose reader ended, is no reason to stop taking spans.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const log = createLogger({
    level,
    destination: { isTTY: terminal, write: (line) => process.stderr.write(line) },
  });
  for (const warning of config.warnings) log.warn({}, warning);
  const dataDir = resolve(process.env['SPANMETER_DATA'] || './data');
  const startedAtMs = performance.now();

  let finish: (code: number) => void = () => undefined;
  const finished = new Promise<number>((done) => (finish = done));
  const runtime = new MainRuntime({
    config,
    sources: options.config,
    sets: options.set,
    dataDir,
    terminal,
    log,
    metrics: createSelfMetrics({ thread: 'main' }),
    onReady(database: DatabaseAddress) {
      const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
      log.info({ seconds, dataDir }, 'Spanmeter is ready');
      if (process.stdout.isTTY) process.stdout.write(banner(config, database, process.env));
    },
    onFault(message) {
      log.error({}, message);
      finish(1);
    },
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info({ signal }, 'stopping: what is journalled is stored first');
    process.once(signal, () => process.exit(1));
    finish(0);
  };
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'a promise was rejected unheard'));

  try {
    await runtime.start();
  } catch (error) {
    const faults = error instanceof StartFailure ? error.faults : [String(error)];
    for (const fault of faults) log.error({}, fault);
    finish(1);
  }
  const code = await finished;
  await runtime.stop(STOP_DEADLINE_MS);
  log.info({ code }, 'Spanmeter has stopped');
  // Fires only where something is still open, as a connection to a database that hangs.
  setTimeout(() => process.exit(code), LINGER_MS).unref();
  return code;
}
