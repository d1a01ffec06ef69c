import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import {
  endpointVariables,
  pickPorts,
  spawnCollector,
  startCollector,
  type CollectorOptions,
  type CollectorPorts,
  type CollectorProcess,
} from '../support/collector-process.ts';
import { ExactLoad } from '../support/exact-load.ts';
import { freePorts } from '../support/free-port.ts';
import { assertQuiet } from '../support/observe.ts';
import { serverPid } from '../support/orphaned-server.ts';
import { useTempDir } from '../support/temp-dir.ts';

const SECRET = 'a-secret-that-no-log-may-hold';

/** A start that must end by itself: its code and all it said. */
async function failure(options: CollectorOptions): Promise<{ code: number | null; log: string }> {
  const collector = await spawnCollector({ isFirstStart: true, ...options });
  const hung = setTimeout(() => collector.child.kill('SIGKILL'), 90_000);
  try {
    const code = await collector.ended;
    assertQuiet(collector, [SECRET]);
    return { code, log: collector.lines.join('\n') };
  } finally {
    clearTimeout(hung);
    await collector.dispose();
  }
}

function occupy(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

describe('the start of a collector', function () {
  const directory = useTempDir();

  it('ends with 1 where ports are taken, and names every one with the variable that moves it', async () => {
    const ports = await pickPorts();
    const holders = await Promise.all(Object.values(ports).map((port) => occupy(port as number)));
    try {
      const { code, log } = await failure({ ports, dataDir: directory.path });
      assert.equal(code, 1);
      for (const [variable, endpoint] of Object.entries(endpointVariables(ports))) {
        assert.match(log, new RegExp(`${endpoint} \\([^)]+\\) is taken: ${variable} `), variable);
      }
      assert.equal(serverPid(directory.path), null, 'no PostgreSQL was started');
    } finally {
      for (const holder of holders) holder.close();
    }
  });

  it('ends with 1 where two of its own addresses are the same', async () => {
    const ports: CollectorPorts = { ...(await pickPorts()) };
    const { code, log } = await failure({ ports: { ...ports, api: ports.http }, dataDir: directory.path });
    assert.equal(code, 1);
    assert.match(log, /\(API\) is taken: SPANMETER_API_ENDPOINT/);
  });

  it('ends with 1 where a file is in the place of its data directory, or nothing can be made there', async () => {
    const file = join(directory.path, 'file');
    await writeFile(file, '');
    for (const place of [file, join(file, 'below'), '/proc/spanmeter']) {
      const { code, log } = await failure({ dataDir: directory.path, env: { SPANMETER_DATA: place } });
      assert.equal(code, 1, log);
      assert.ok(log.includes(`The data directory ${place} cannot be made or written`), log);
      assert.match(log, /SPANMETER_DATA/);
    }
  });

  it('ends with 2 and every fault of its configuration, by path, without what variables hold', async () => {
    const overlay = `
exporters:
  postgres: { retention: never, url: "\${env:SECRET_URL}" }
  otlp_http/x: { endpoint: "ftp://elsewhere", headers: { authorization: "\${env:SECRET_TOKEN}" } }
  kafka: {}
extensions:
  journal: { max_bytes: 10, colour: red }
service: { pipelines: { traces: { exporters: [postgres, missing] } } }
`;
    const env = { SECRET_URL: `mysql://u:${SECRET}@h/d`, SECRET_TOKEN: SECRET };
    const { code, log } = await failure({ dataDir: directory.path, overlay, env });
    assert.equal(code, 2, log);
    for (const path of [
      'exporters::postgres::retention',
      'exporters::otlp_http/x::endpoint',
      'kafka',
      'extensions::journal::max_bytes',
      'colour',
      'missing',
    ]) {
      assert.ok(log.includes(path), `${path} is not told in:\n${log}`);
    }
  });

  it('ends with 2 where the keys file cannot be used, in one sentence without a key', async () => {
    const file = join(directory.path, 'keys.yaml');
    await writeFile(file, `keys: [{ id: one, key: "${SECRET}", role: king }]`);
    const overlay = (path: string): string => `
extensions: { api_key_auth: { keys_file: "${path}" } }
service: { extensions: [journal, health_check, api, api_key_auth] }
`;
    for (const [path, words] of [
      [file, /keys\.0\.key: .+; keys\.0\.role: /],
      [join(directory.path, 'missing.yaml'), /ENOENT/],
      [directory.path, /not a regular file/],
    ] as const) {
      const { code, log } = await failure({ dataDir: directory.path, overlay: overlay(path) });
      assert.equal(code, 2, log);
      assert.ok(log.includes(`The keys file ${path} cannot be used: `), log);
      assert.match(log, words);
      assert.doesNotMatch(log, /^ +at /m);
    }
    assert.equal(serverPid(directory.path), null, 'no PostgreSQL was started');
  });

  it('ends with 1 where DATABASE_URL is no URL, or of something else, without repeating it', async () => {
    for (const url of [`no url ${SECRET}`, `mysql://user:${SECRET}@127.0.0.1/db`]) {
      const { code, log } = await failure({ dataDir: directory.path, env: { DATABASE_URL: url } });
      assert.equal(code, 1, log);
      assert.match(log, /DATABASE_URL/);
    }
  });

  it('takes spans without its database, and tells no password of it', async () => {
    const [nobody] = await freePorts(1);
    const env = { DATABASE_URL: `postgres://user:${SECRET}@127.0.0.1:${nobody}/db` };
    const collector = await startCollector({ env });
    try {
      await new ExactLoad(16).send(collector.ports.http, 1);
      assert.equal(await collector.end('SIGTERM'), 0);
      assertQuiet(collector, [SECRET]);
    } finally {
      await collector.dispose();
    }
  });

  it('goes on and ends in order when nobody reads its log any more', async () => {
    const [nobody] = await freePorts(1);
    const collector = await startCollector({ env: { DATABASE_URL: `postgres://127.0.0.1:${nobody}/db` } });
    try {
      collector.child.stdout?.destroy();
      collector.child.stderr?.destroy();
      await new ExactLoad(16).send(collector.ports.http, 1);
      assert.equal(await collector.end('SIGTERM'), 0);
    } finally {
      await collector.dispose();
    }
  });

  it('works below a folder that only its owner may enter, and again with what it left there', async () => {
    const closed = join(directory.path, 'closed');
    await mkdir(closed, { mode: 0o700 });
    await chmod(closed, 0o700);
    const dataDir = join(closed, 'data');
    await mkdir(dataDir, { mode: 0o700 });
    const load = new ExactLoad(16);
    const seconds: string[] = [];
    let collector: CollectorProcess | undefined;
    try {
      for (let start = 0; start < 2; start++) {
        collector = await startCollector({ dataDir, isFirstStart: start === 0 });
        seconds.push(JSON.parse(await collector.seen('Spanmeter is ready')).seconds as string);
        await load.send(collector.ports.http, 2);
        await load.assertStored(collector.databaseUrl());
        assert.equal(await collector.end('SIGTERM'), 0);
        assertQuiet(collector);
        assert.equal(serverPid(dataDir), null);
      }
    } finally {
      await collector?.dispose();
    }
    const user = spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout.trim();
    console.log(`      as ${user}: ready after ${seconds[0]} s with a new PostgreSQL, ${seconds[1]} s again`);
  });
});
