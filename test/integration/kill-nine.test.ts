import assert from 'node:assert/strict';
import { Client } from 'pg';
import { loadTemplate, OtlpSender } from '../support/load.ts';
import { pickPorts, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { useTempDir } from '../support/temp-dir.ts';

/** Crashes in one test run; more on request. */
const CRASHES = Number(process.env['SPANMETER_TEST_CRASHES'] ?? 3);
const SENDERS = 4;

interface Tally {
  sent: number;
  acknowledged: number;
  retried: number;
  costPicoUsd: bigint;
}

/** Sends until told to stop; every request is repeated until it is acknowledged, as an OTLP client does. */
async function sendUntil(stopped: () => boolean, port: number, tally: Tally): Promise<void> {
  const template = loadTemplate({
    spansPerRequest: 64,
    tenants: 7,
    services: 5,
    genAiShare: 1,
    attributes: 16,
  });
  const sender = new OtlpSender(port, 1);
  while (!stopped()) {
    const body = template.render(Date.now());
    tally.sent += template.calls;
    tally.costPicoUsd += template.costPicoUsd;
    for (;;) {
      const status = await sender.post(body).catch(() => 0);
      if (status === 200) break;
      assert.ok(status === 0 || status === 503 || status === 429, `unexpected answer ${status}`);
      tally.retried++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    tally.acknowledged += template.calls;
  }
  sender.close();
}

async function storedWhen(
  url: string,
  calls: number,
): Promise<{ calls: number; cost: string; rollup: string }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (;;) {
      const { rows } = await client.query<{ calls: string; cost: string; rollup: string }>(
        `SELECT (SELECT count(*) FROM spanmeter.calls) AS calls,
                (SELECT coalesce(sum(cost_usd), 0)::text FROM spanmeter.calls) AS cost,
                (SELECT coalesce(sum(cost_usd), 0)::text || ' ' || coalesce(sum(calls), 0)
                   FROM spanmeter.spend_rollup) AS rollup`,
      );
      const row = rows[0]!;
      if (Number(row.calls) >= calls) return { ...row, calls: Number(row.calls) };
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await client.end();
  }
}

describe('a collector that is killed under load', function () {
  this.timeout(600_000);

  const directory = useTempDir();

  it('loses nothing that it acknowledged and counts nothing twice', async () => {
    const ports = await pickPorts();
    const tally: Tally = { sent: 0, acknowledged: 0, retried: 0, costPicoUsd: 0n };
    let collector: CollectorProcess | undefined;
    let stop = false;
    try {
      collector = await startCollector({ dataDir: directory.path, ports });
      const senders = Array.from({ length: SENDERS }, () => sendUntil(() => stop, ports.http, tally));
      for (let crash = 0; crash < CRASHES; crash++) {
        const goal = tally.acknowledged + 2_000 + crash * 501;
        while (tally.acknowledged < goal) await new Promise((resolve) => setTimeout(resolve, 2));
        await collector.end('SIGKILL');
        collector = await startCollector({ dataDir: directory.path, ports });
      }
      stop = true;
      await Promise.all(senders);
      assert.equal(tally.acknowledged, tally.sent);
      const stored = await storedWhen(collector.databaseUrl(), tally.sent);
      const cost = `${tally.costPicoUsd / 10n ** 12n}.${(tally.costPicoUsd % 10n ** 12n).toString().padStart(12, '0')}`;
      assert.deepEqual(stored, { calls: tally.sent, cost, rollup: `${cost} ${tally.sent}` });
      console.log(
        `      ${CRASHES} crashes: ${tally.sent} calls sent, ${tally.acknowledged} acknowledged after ` +
          `${tally.retried} retries, ${stored.calls} stored; ${cost} USD sent and stored`,
      );
    } finally {
      stop = true;
      await collector?.dispose();
    }
  });
});
