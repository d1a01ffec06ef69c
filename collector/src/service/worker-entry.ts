import { parentPort, workerData } from 'node:worker_threads';
import { COMPONENTS } from '../components.ts';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../telemetry/log.ts';
import { createSelfMetrics } from '../telemetry/self-metrics.ts';
import { createMainLink, type MainLink } from './main-link.ts';
import type { ToWorker, WorkerStart } from './messages.ts';
import { WorkerRuntime } from './worker-runtime.ts';

/** The entry of the worker thread. */
async function run(): Promise<void> {
  if (parentPort === null) throw new Error('this is the entry of a worker thread');
  const port = parentPort;
  const start = workerData as WorkerStart;
  let runtime: WorkerRuntime | null = null;
  let stopping = false;
  const link: MainLink = createMainLink(port, hear);
  const loaded = loadConfig(start.sources, start.sets, process.env, COMPONENTS);
  if (loaded.config === undefined)
    throw new Error('the configuration changed while starting and has faults now');
  const { config } = loaded;
  const log = createLogger({
    level: config.service.telemetry.logs.level,
    destination: { isTTY: start.terminal, write: (line: string) => process.stderr.write(line) },
  });
  const metrics = createSelfMetrics({ thread: 'worker' });
  runtime = new WorkerRuntime({ start, config, link, log, metrics });

  function hear(message: Exclude<ToWorker, { type: 'answer' }>): void {
    if (message.type === 'journal') runtime?.advance(message.end);
    else if (!stopping) {
      stopping = true;
      void end(message.deadlineMs);
    }
  }

  async function end(deadlineMs: number): Promise<void> {
    try {
      await runtime?.stop(AbortSignal.timeout(deadlineMs));
    } catch (error) {
      log.error({ err: error }, 'stopping failed');
    }
    link.tell({ type: 'stopped' });
    port.close();
  }

  try {
    await runtime.start();
  } catch (error) {
    log.debug({ err: error }, 'the worker could not start');
    link.tell({ type: 'fault', message: error instanceof Error ? error.message : String(error) });
  }
}

await run();
