import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { runDemo } from '@spanmeter/collector/dist/demo/run.js';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/collector-process.ts';
import { bearer } from '../support/keyed-collector.ts';
import { query } from '../support/query.ts';
import { getApi, settled } from '../support/running-collector.ts';
import { deploy, startNativeStack, type NativeStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

interface Spend {
  readonly rows: readonly { readonly group: { readonly tenant: string }; readonly calls: number }[];
}

describe('the stack, from the files of docker-compose.yml', function () {
  let stack: NativeStack;

  before(async () => (stack = await startNativeStack()));
  after(async () => stack?.dispose());

  it('answers nobody without a key, and the operator with the one that was made', async () => {
    const { ports } = stack.collector;
    const spend = '/api/v1/spend?group_by=tenant';
    await getApi(stack.collector, spend, {}, 401);
    await getApi(stack.collector, spend, bearer(stack.gatewayKey), 403);
    await getApi(stack.collector, spend, bearer(stack.adminKey));
    const sent = await fetch(`http://127.0.0.1:${ports.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(sent.status, 401);
    const scraped = (headers: Record<string, string>): Promise<Response> =>
      fetch(`http://127.0.0.1:${ports.prometheus}/metrics`, { headers });
    assert.equal((await scraped({})).status, 401);
    assert.equal((await scraped(bearer(stack.metricsToken))).status, 200);
  });

  it('takes commands in the collector’s container, which knows the database by a file', async () => {
    const { services } = parse(await readFile(join(REPOSITORY, 'docker-compose.yml'), 'utf8'), {
      merge: true,
    }) as { services: { collector: { environment: Record<string, string> } } };
    const file = services.collector.environment['DATABASE_URL_FILE'] ?? '';
    const env = {
      ...process.env,
      DATABASE_URL: '',
      DATABASE_URL_FILE: file.replace('/run/secrets/spanmeter', join(stack.secrets, 'collector')),
      SPANMETER_DATA: join(stack.secrets, 'nothing-here'),
    };
    const main = join(REPOSITORY, 'collector', 'dist', 'main.js');
    const command = promisify(execFile);
    await command(process.execPath, [main, 'tenant', 'create', 'of-a-command'], { env });
    const create = ['key', 'create', '--tenant', 'of-a-command'];
    const { stdout } = await command(process.execPath, [main, ...create], { env });
    const made = /sm_[\w-]+/.exec(stdout)?.[0] ?? '';
    const send = async (): Promise<number> => {
      const url = `http://127.0.0.1:${stack.collector.ports.http}/v1/traces`;
      const headers = { 'content-type': 'application/json', ...bearer(made) };
      return (await fetch(url, { method: 'POST', headers, body: '{}' })).status;
    };
    await until(send, (status) => status === 200);
    await assert.rejects(
      command(process.execPath, [main, 'key', 'list'], { env: { ...env, DATABASE_URL_FILE: '/nowhere' } }),
      /DATABASE_URL_FILE names a file that cannot be read/,
    );
  });

  it('lets Grafana read every tenant and change nothing', async () => {
    await query(stack.grafanaUrl, 'SELECT count(*) FROM spanmeter.spend_rollup');
    await assert.rejects(query(stack.grafanaUrl, 'DELETE FROM spanmeter.budgets'), /read-only|permission/);
    await assert.rejects(
      query(stack.grafanaUrl, 'BEGIN READ WRITE; DELETE FROM spanmeter.budgets'),
      /permission denied/,
    );
    await assert.rejects(query(stack.grafanaUrl, 'SELECT hash FROM spanmeter.api_keys'), /permission denied/);
  });

  it('keeps what was made when it is started again, readable for its user alone', async () => {
    const read = async (): Promise<Record<string, string>> => {
      const files = await readdir(stack.secrets, { recursive: true, withFileTypes: true });
      const entries = files
        .filter((file) => file.isFile())
        .map(async (file) => {
          const path = join(file.parentPath, file.name);
          return [path.slice(stack.secrets.length + 1), await readFile(path, 'utf8')] as const;
        });
      return Object.fromEntries(await Promise.all(entries));
    };
    const before = await read();
    const env = { SPANMETER_POSTGRES_ADDRESS: stack.postgresAddress };
    const printed = await deploy('secrets.mjs', [stack.secrets], env);
    await deploy('database.mjs', [join(stack.secrets, 'database')], env);
    assert.deepEqual(await read(), before);
    assert.equal(printed, '');
    await query(stack.grafanaUrl, 'SELECT 1');
    const modes = await stat(join(stack.secrets, 'collector', 'admin_key'));
    assert.equal(modes.mode & 0o777, 0o400);
    for (const name of ['collector/admin_key', 'demo/gateway_key', 'grafana/admin_password']) {
      assert.ok((before[name]?.length ?? 0) >= 43, name);
    }
    assert.equal(before['collector/keys.yaml']?.includes(stack.adminKey), false);
  });

  it('meters the demo, the past that it makes up included, once however often it is sent', async () => {
    const { ports } = stack.collector;
    const destination = { url: `http://127.0.0.1:${ports.http}`, key: stack.gatewayKey };
    const past = async (): Promise<number> => {
      const [row] = await query<{ count: string }>(
        stack.grafanaUrl,
        "SELECT count(*) FROM spanmeter.calls WHERE response_id LIKE 'past-%'",
      );
      return Number(row?.count);
    };
    const dataDir = await mkdtemp(join(tmpdir(), 'spanmeter-demo-'));
    const demo = async (isEnough: (text: string) => boolean | Promise<boolean>): Promise<string> => {
      const stop = new AbortController();
      let text = '';
      const output = new Writable({
        write(chunk: Buffer, _encoding, done) {
          text += chunk.toString();
          done();
        },
      }) as unknown as NodeJS.WriteStream;
      const running = runDemo({
        collectorEntry: '',
        output,
        signal: stop.signal,
        sendTo: destination,
        historyDays: 1,
        dataDir,
      });
      await until(async () => isEnough(text), Boolean);
      stop.abort();
      assert.equal(await running, 0);
      return text;
    };
    try {
      const text = await demo(async (said) => {
        if (!said.includes('3 services make calls')) return false;
        const spend = await getApi<Spend>(
          stack.collector,
          '/api/v1/spend?group_by=tenant',
          bearer(stack.adminKey),
        );
        return spend.rows.length >= 3;
      });
      const sent = Number(/Sent (\d+) calls/.exec(text)?.[1]);
      await until(past, (count) => count > 0);
      await settledWith(stack);
      assert.equal(await past(), sent);
      await demo((said) => said.includes('3 services make calls'));
      await settledWith(stack);
      // The whole hour that ended meanwhile, at most.
      assert.ok((await past()) - sent < sent / 10);
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

/** The cursor's own figures are on 8888, which asks for no key. */
async function settledWith({ collector, grafanaUrl }: NativeStack): Promise<void> {
  await settled({ ...collector, databaseUrl: () => grafanaUrl });
}
