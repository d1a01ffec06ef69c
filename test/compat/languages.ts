import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { startOpenaiStandIn } from '@spanmeter/collector/dist/demo/providers/openai.js';
import { REPOSITORY } from '../support/collector-process.ts';
import { settledCalls } from '../support/settled-calls.ts';
import { run } from './child.ts';
import { codeBlock } from './readme.ts';
import { sentCostUsd, servedCostUsd } from './served-cost.ts';
import type { Verdict } from './verdict.ts';
import { sendingTo, withCollector } from './with-collector.ts';

const SOURCES = join(REPOSITORY, 'test', 'compat');
const CALLS = 1000;

/** The real Go exporters, both protocols, plain and gzipped, and the program on the page for Go. */
export function checkGo(verdict: Verdict): Promise<void> {
  return withCollector('go', async (collector, dir) => {
    for (const file of ['main.go', 'go.mod', 'go.sum'])
      await copyFile(join(SOURCES, 'go', file), join(dir, file));
    await run('go', ['build', '-o', 'sender', '.'], { cwd: dir });
    console.log((await run('go', ['list', '-m', 'go.opentelemetry.io/otel'], { cwd: dir })).trim());
    for (const protocol of ['http', 'grpc']) {
      for (const compression of ['none', 'gzip']) {
        const tenant = `go-${protocol}-${compression}`;
        const port = protocol === 'grpc' ? collector.ports.grpc : collector.ports.http;
        await run(join(dir, 'sender'), [protocol, tenant, `${CALLS}`], {
          env: {
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
            OTEL_EXPORTER_OTLP_COMPRESSION: compression === 'none' ? undefined : compression,
          },
        });
        verdict.compare(`Go, otlptrace${protocol}, ${compression}`, (await settledCalls(collector))[tenant], {
          calls: CALLS,
          costUsd: sentCostUsd(CALLS),
          statuses: { priced: CALLS },
        });
      }
    }
    await writeFile(join(dir, 'main.go'), codeBlock('docs/languages/go.md', 'go'));
    await run('go', ['run', '.'], { cwd: dir, env: sendingTo(collector, 'go-page') });
    verdict.compare('the program on the page for Go', (await settledCalls(collector))['go-page'], {
      calls: 1,
      costUsd: '0.000180000000',
      statuses: { priced: 1 },
    });
  });
}

/** OpenAI's Java client under the OpenTelemetry Java agent, and the class on the page for Java. */
export function checkJava(verdict: Verdict): Promise<void> {
  return withCollector('java', async (collector, dir) => {
    const java = (file: string, env: Record<string, string>): Promise<string> =>
      runJava(join(dir, 'lib'), file, env);
    await copyFile(join(SOURCES, 'java', 'pom.xml'), join(dir, 'pom.xml'));
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: dir });
    const quiet = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const openai = await startOpenaiStandIn();
    try {
      await java(join(SOURCES, 'java', 'App.java'), {
        ...sendingTo(collector, 'java-agent'),
        ...quiet,
        OPENAI_API_KEY: 'none',
        OPENAI_BASE_URL: `${openai.url}/v1`,
      });
    } finally {
      await openai.close();
    }
    verdict.compare('openai-java under the Java agent', (await settledCalls(collector))['java-agent'], {
      calls: 6,
      costUsd: servedCostUsd(openai.ledger.requests),
      statuses: { priced: 4, missing_usage: 1, not_billable: 1 },
    });
    await writeFile(join(dir, 'App.java'), codeBlock('docs/languages/java.md', 'java'));
    await java(join(dir, 'App.java'), { ...sendingTo(collector, 'java-page'), ...quiet });
    verdict.compare('the class on the page for Java', (await settledCalls(collector))['java-page'], {
      calls: 1,
      costUsd: '0.001350000000',
      statuses: { priced: 1 },
    });
  });
}

async function runJava(lib: string, file: string, env: Record<string, string>): Promise<string> {
  const jars = await readdir(lib);
  const agent = jars.find((name) => name.startsWith('opentelemetry-javaagent'));
  const classes = jars.filter((name) => name !== agent).map((name) => join(lib, name));
  const out = join(lib, 'app');
  await run('javac', ['-cp', classes.join(delimiter), '-d', out, file]);
  // Compiled, since the agent stays out of what it takes for a tool of the JDK: a source file that is run.
  const classPath = [out, ...classes].join(delimiter);
  return run('java', [`-javaagent:${join(lib, String(agent))}`, '-cp', classPath, 'App'], { env });
}
