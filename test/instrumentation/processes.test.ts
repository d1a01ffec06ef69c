import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endedProcess, type EndedProcess } from '../support/ended-process.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { startSink, type OtlpSink } from './otlp-sink.ts';
import { PROCESS_KINDS, type ProcessKind } from './process-kinds.ts';

const DIST = fileURLToPath(new URL('../', import.meta.url));

describe('register in processes of every kind', function () {
  let openai: StandIn;
  let sink: OtlpSink;

  before(async () => {
    [openai, sink] = await Promise.all([startOpenaiStandIn(), startSink()]);
  });

  after(async () => {
    await Promise.all([openai.close(), sink.close()]);
  });

  const run = async ({ files, args, byVariable }: ProcessKind): Promise<EndedProcess> => {
    const folder = await mkdtemp(join(DIST, 'process-'));
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    const preload = ['--import', '@spanmeter/instrumentation/register'];
    const ended = await endedProcess(process.execPath, [...(byVariable ? [] : preload), ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'],
        ...(byVariable ? { NODE_OPTIONS: preload.join(' ') } : {}),
        OPENAI_API_KEY: 'none',
        OPENAI_BASE_URL: `${openai.url}/v1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      },
    });
    await rm(folder, { recursive: true, force: true });
    return ended;
  };

  for (const kind of PROCESS_KINDS) {
    it(`tells each call of ${kind.name} once`, async () => {
      sink.spans.length = 0;
      const { code, stderr } = await run(kind);
      assert.deepEqual(
        { code, stderr, calls: sink.spans.length },
        { code: 0, stderr: '', calls: kind.calls },
      );
    });
  }
});
