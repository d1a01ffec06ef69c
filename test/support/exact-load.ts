import assert from 'node:assert/strict';
import { loadTemplate, OtlpSender } from './load.ts';
import { query } from './query.ts';
import { until } from './until.ts';

const RETRY_MS = 5;

/** What a database holds: rows, their cost, and the same from the rollups. */
export interface Totals {
  readonly calls: number;
  readonly cost: string;
  readonly rollup: string;
}

/** Sends calls with a known cost and knows to the last digit what was acknowledged. */
export class ExactLoad {
  readonly #template: ReturnType<typeof loadTemplate>;
  #stopped = false;
  #abandoned = false;
  #running: Promise<unknown> = Promise.resolve();
  #costPicoUsd = 0n;
  acknowledged = 0;
  /** Answers by status; 0 is a connection that broke. */
  readonly answers: Map<number, number> = new Map();

  constructor(spansPerRequest: number = 64) {
    this.#template = loadTemplate({
      spansPerRequest,
      tenants: 7,
      services: 5,
      genAiShare: 1,
      attributes: 16,
    });
  }

  get callsPerRequest(): number {
    return this.#template.calls;
  }

  /** A request that was not sent yet. */
  render(): Buffer {
    return this.#template.render(Date.now());
  }

  /** Counts a request as acknowledged, once however often it is sent. */
  count(): void {
    this.acknowledged += this.#template.calls;
    this.#costPicoUsd += this.#template.costPicoUsd;
  }

  /** Sends `requests` one after the other; each must be taken at once. */
  async send(port: number, requests: number): Promise<void> {
    const sender = new OtlpSender(port, 1);
    for (let i = 0; i < requests; i++) {
      assert.equal(await sender.post(this.render()), 200);
      this.count();
    }
    sender.close();
  }

  /** Begins to send from several senders that repeat a request until it is acknowledged or `stop` is called. */
  start(port: number, senders: number = 3): void {
    this.#stopped = this.#abandoned = false;
    this.#running = Promise.all(Array.from({ length: senders }, () => this.#sendOn(port)));
  }

  /** Resolves once `calls` more are acknowledged. */
  async more(calls: number): Promise<void> {
    const goal = this.acknowledged + calls;
    await until(
      () => Promise.resolve(this.acknowledged),
      (now) => now >= goal,
    );
  }

  /** Begins nothing new; resolves once everything begun is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Ends also what nobody acknowledges, after a test that failed. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    await this.stop();
  }

  /** What a database must hold once everything acknowledged is stored. */
  get expected(): Totals {
    const whole = this.#costPicoUsd / 10n ** 12n;
    const cost = `${whole}.${(this.#costPicoUsd % 10n ** 12n).toString().padStart(12, '0')}`;
    return { calls: this.acknowledged, cost, rollup: `${cost} ${this.acknowledged}` };
  }

  /** Adds what another has sent to the same database. */
  include(other: ExactLoad): this {
    this.acknowledged += other.acknowledged;
    this.#costPicoUsd += other.#costPicoUsd;
    return this;
  }

  /** Waits until as many calls are stored as were acknowledged, then compares everything. */
  async assertStored(url: string): Promise<void> {
    const stored = await until(
      () => totalsOf(url).catch(() => null),
      (totals) => totals !== null && totals.calls >= this.acknowledged,
    );
    assert.deepEqual(stored, this.expected);
  }

  async #sendOn(port: number): Promise<void> {
    const sender = new OtlpSender(port, 1);
    while (!this.#stopped) {
      const body = this.render();
      while ((await this.#attempt(sender, body)) !== 200) {
        if (this.#abandoned) break;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    sender.close();
  }

  async #attempt(sender: OtlpSender, body: Buffer): Promise<number> {
    const status = await sender.post(body).catch(() => 0);
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    if (status === 200) this.count();
    return status;
  }
}

/** What a database holds now. */
export async function totalsOf(url: string): Promise<Totals> {
  const rows = await query<{ calls: string; cost: string; rollup: string }>(
    url,
    `SELECT count(*) AS calls, coalesce(sum(cost_usd), 0)::text AS cost,
            (SELECT coalesce(sum(cost_usd), 0)::text || ' ' || coalesce(sum(calls), 0)
               FROM spanmeter.spend_rollup) AS rollup
       FROM spanmeter.calls`,
  );
  const row = rows[0]!;
  return { ...row, calls: Number(row.calls) };
}
