import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findBinaries } from '@spanmeter/collector/dist/database/binaries.js';
import { openDatabase } from '@spanmeter/collector/dist/database/connect.js';
import {
  type EmbeddedOptions,
  findRunning,
  startEmbedded,
} from '@spanmeter/collector/dist/database/embedded.js';
import type { DatabaseServer } from '@spanmeter/collector/dist/database/server.js';
import { settleRunner } from '@spanmeter/collector/dist/database/unprivileged.js';
import type { Logger } from '@spanmeter/collector/dist/pipeline/component.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { sql } from '../../support/database.ts';
import { layCluster } from '../../support/made-cluster.ts';

const isRoot = process.getuid?.() === 0;
const EMBEDDED_MODULE = fileURLToPath(import.meta.resolve('@spanmeter/collector/dist/database/embedded.js'));

describe('the embedded PostgreSQL', function () {
  let folder: string;
  let dataDir: string;
  const running: DatabaseServer[] = [];

  beforeEach(async () => {
    // Mode 0700, as mkdtemp makes it.
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-embedded-'));
    dataDir = join(folder, 'postgres');
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** As in production where nothing is given; where data is made, by initdb. */
  async function start(more: Partial<EmbeddedOptions> = {}): Promise<DatabaseServer> {
    const server = await startEmbedded({ dataDir, log: SILENT_LOG, ...more });
    running.push(server);
    return server;
  }

  /** Starts over data that was made before, and waits for no disk: for what is about neither. */
  async function startMade(more: Partial<EmbeddedOptions> = {}): Promise<DatabaseServer> {
    await layCluster(dataDir);
    return start({ settings: { fsync: 'off' }, ...more });
  }

  function postmaster(cluster = join(dataDir, 'cluster')): number {
    return Number(readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  function isAlive(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      return false;
    }
  }

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await delay(20);
  }

  async function answers(url: string): Promise<boolean> {
    return sql(url, 'SELECT 1').then(
      () => true,
      () => false,
    );
  }

  it('starts on loopback with durable settings and passwords only its owner reads', async () => {
    const server = await start();
    const [settings] = await sql(
      server.ownerUrl,
      `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
         current_setting('synchronous_commit') AS commit, current_setting('listen_addresses') AS listen,
         current_setting('data_checksums') AS checksums, current_setting('server_encoding') AS encoding,
         (SELECT datlocprovider::text FROM pg_database WHERE datname = current_database()) AS provider,
         (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`,
    );
    assert.deepEqual(settings, {
      fsync: 'on',
      pages: 'on',
      commit: 'on',
      listen: '127.0.0.1',
      checksums: 'on',
      encoding: 'UTF8',
      provider: 'b',
      superuser: false,
    });
    for (const name of ['admin', 'owner', 'reader']) {
      assert.equal(statSync(join(dataDir, 'passwords', name)).mode & 0o777, 0o600);
    }
    assert.equal(statSync(join(dataDir, 'passwords')).mode & 0o777, 0o700);
    const wrong = new URL(server.adminUrl);
    wrong.password = 'wrong';
    await assert.rejects(sql(wrong.href, 'SELECT 1'), /password authentication failed/);
  });

  it('gives out a read-only URL with which nothing can be written, locked or used up', async () => {
    const server = await startMade();
    const readOnly = server.readOnlyUrl ?? '';
    const writable = new URL(readOnly);
    writable.searchParams.set('options', '-c default_transaction_read_only=off');
    for (const statement of [
      'CREATE TABLE public.t (x int)',
      'CREATE TEMPORARY TABLE t (x int)',
      "SELECT lo_from_bytea(0, 'x')",
      'SELECT lo_create(0)',
      'SELECT pg_advisory_lock(1)',
      'SELECT pg_try_advisory_lock(1, 2)',
      "SELECT pg_read_file('PG_VERSION')",
      "COPY (SELECT 1) TO PROGRAM 'true'",
      'SET ROLE spanmeter',
    ]) {
      await assert.rejects(sql(writable.href, statement), /permission denied/, statement);
    }
    await assert.rejects(sql(readOnly, 'CREATE TABLE public.t (x int)'), /read-only transaction|permission/);
    for (const other of ['postgres', 'template1']) {
      const url = new URL(readOnly);
      url.pathname = `/${other}`;
      await assert.rejects(sql(url.href, 'SELECT 1'), /permission denied for database/, other);
    }
    const [limit] = await sql(
      server.ownerUrl,
      "SELECT rolconnlimit AS connections FROM pg_roles WHERE rolname = 'spanmeter_grafana'",
    );
    assert.deepEqual(limit, { connections: 20 });
    assert.deepEqual(await sql(readOnly, 'SHOW work_mem'), [{ work_mem: '32MB' }]);
    await sql(server.ownerUrl, 'SELECT pg_advisory_lock(1)');
    await sql(server.ownerUrl, 'CREATE TEMPORARY TABLE t (x int)');
  });

  it('keeps data, port and passwords over a stop and a start', async () => {
    const first = await start();
    await sql(first.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS x');
    const pid = postmaster();
    await first.stop();
    assert.equal(isAlive(pid), false);
    assert.equal(existsSync(join(dataDir, 'cluster', 'postmaster.pid')), false);
    const second = await start();
    assert.equal(second.ownerUrl, first.ownerUrl);
    assert.deepEqual(await sql(second.ownerUrl, 'SELECT x FROM kept'), [{ x: 7 }]);
  });

  it('adopts the server that a killed collector left running, and stops it at the end', async () => {
    const script = `const { startEmbedded } = await import(${JSON.stringify(`file://${EMBEDDED_MODULE}`)});
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log });
      console.log('up'); setInterval(() => {}, 1000);`;
    await layCluster(dataDir);
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const orphan = postmaster();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.ok(isAlive(orphan));
    const server = await start();
    assert.equal(postmaster(), orphan);
    assert.ok(await answers(server.ownerUrl));
    await server.stop();
    assert.equal(isAlive(orphan), false);
  });

  it('is not reached by a terminal signal to the collector', async () => {
    await startMade();
    const stat = readFileSync(`/proc/${postmaster()}/stat`, 'latin1').split(') ')[1]!.split(' ');
    assert.equal(Number(stat[3]), postmaster(), 'leads a session of its own');
  });

  it('starts the server again when it is killed', async () => {
    const server = await startMade();
    await sql(server.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS x');
    const pid = postmaster();
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    await until(() => answers(server.ownerUrl));
    assert.notEqual(postmaster(), pid);
    assert.deepEqual(await sql(server.ownerUrl, 'SELECT x FROM kept'), [{ x: 7 }]);
  });

  it('starts over a lock file of a server that is gone, though its id is in use', async () => {
    const first = await startMade();
    const pid = postmaster();
    const lock = readFileSync(join(dataDir, 'cluster', 'postmaster.pid'), 'utf8');
    await first.stop();
    // As after a reboot: the id now belongs to somebody else, here to this process.
    writeFileSync(join(dataDir, 'cluster', 'postmaster.pid'), lock.replace(String(pid), String(process.pid)));
    const second = await startMade();
    assert.ok(await answers(second.ownerUrl));
    assert.ok(isAlive(process.pid));
  });

  it('starts over what an interrupted first start left', async () => {
    await mkdir(join(dataDir, 'cluster.new', 'base'), { recursive: true });
    writeFileSync(join(dataDir, 'cluster.new', 'PG_VERSION'), '18');
    assert.ok(await answers((await start()).ownerUrl));
  });

  it('refuses the data of another major version, and says what to do', async () => {
    await mkdir(join(dataDir, 'cluster'), { recursive: true });
    writeFileSync(join(dataDir, 'cluster', 'PG_VERSION'), '17\n');
    await assert.rejects(start(), /made by PostgreSQL 17.*brings PostgreSQL 18.*DATABASE_URL/s);
  });

  it('says why a server does not come up', async () => {
    await assert.rejects(
      startMade({ settings: { shared_buffers: 'nonsense' } }),
      /did not start.*shared_buffers/s,
    );
    assert.equal(findRunning(dataDir), null);
  });

  it('moves to another port where its own is taken, and says so', async () => {
    const first = await startMade();
    await first.stop();
    const { createServer } = await import('node:net');
    const squatter = createServer().listen(first.port, '127.0.0.1');
    await once(squatter, 'listening');
    const warnings: string[] = [];
    const log: Logger = { ...SILENT_LOG, warn: (_fields, message) => void warnings.push(message) };
    const second = await startMade({ log });
    squatter.close();
    assert.notEqual(second.port, first.port);
    assert.match(warnings.join(), new RegExp(`port ${first.port} .* is taken`));
  });

  it('is found by commands while it runs, and only then', async () => {
    assert.equal(findRunning(dataDir), null);
    const server = await startMade();
    assert.equal(findRunning(dataDir)?.ownerUrl, server.ownerUrl);
    await server.stop();
    assert.equal(findRunning(dataDir), null);
  });

  it('comes with its schema through openDatabase', async () => {
    const database = await openDatabase({ dataDir, log: SILENT_LOG });
    running.push(database);
    assert.equal(database.embedded, true);
    assert.deepEqual(await sql(database.readOnlyUrl!, 'SELECT count(*) FROM calls'), [{ count: '0' }]);
    await assert.rejects(sql(database.readOnlyUrl!, 'DELETE FROM calls'), /read-only transaction/);
  });

  describe('as root', () => {
    before(function () {
      if (!isRoot) this.skip();
    });

    it('runs in place under folders of mode 0700, which keep mode and owner', async () => {
      await start();
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      assert.equal(statSync(dataDir).uid, 0);
      assert.equal(statSync(folder).uid, 0);
    });

    it('runs as an unprivileged user from copies where a namespace is refused', async () => {
      const sharedPlace = await mkdtemp(join(tmpdir(), 'spanmeter-shared-'));
      await chmod(sharedPlace, 0o755);
      const notices: string[] = [];
      const log: Logger = { ...SILENT_LOG, info: (_fields, message) => void notices.push(message) };
      // As on machines where nobody else may read what root makes.
      const umask = process.umask(0o077);
      try {
        // Binaries of a checkout under a folder of mode 0700.
        const native = join(folder, 'native');
        const { root } = findBinaries();
        cpSync(root, native, { recursive: true, verbatimSymlinks: true });
        const runner = settleRunner({ root: native, bin: join(native, 'bin') }, folder, {
          mode: 'user',
          sharedPlace,
        });
        assert.equal(dirname(dirname(runner.bin)), sharedPlace);
        const server = await start({ runMode: 'user', sharedPlace, log });
        assert.ok(await answers(server.ownerUrl));
        const cluster = findCluster();
        assert.ok(cluster.startsWith(sharedPlace));
        assert.notEqual(statSync(`/proc/${postmaster(cluster)}`).uid, 0);
        assert.match(notices.join('\n'), /runs as \w+, with its data in /);
        assert.equal(statSync(folder).mode & 0o777, 0o700);
        await server.stop();
      } finally {
        process.umask(umask);
        await rm(sharedPlace, { recursive: true, force: true });
      }
    });

    it('refuses to leave data behind that the unprivileged user cannot enter', async () => {
      const first = await startMade();
      await first.stop();
      await assert.rejects(
        startMade({ runMode: 'user', sharedPlace: join(folder, 'shared') }),
        /cannot be used/,
      );
    });
  });

  function findCluster(): string {
    return JSON.parse(readFileSync(join(dataDir, 'server.json'), 'utf8')).cluster;
  }
});
