import type { Disk } from '@spanmeter/collector/dist/journal/disk.js';
import type { SelfMetrics } from '@spanmeter/collector/dist/pipeline/component.js';
import type { JournalRecord } from '@spanmeter/collector/dist/pipeline/entry.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { startCollector, type RunningCollector, type WiringBugs } from './collector-life.ts';
import { Random } from './random.ts';
import { Life, Scheduler, settle } from './scheduler.ts';
import { keysOf, requestOf } from './simulated-calls.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedLedger, type LedgerBugs } from './simulated-ledger.ts';

/** Bugs put in on purpose: what the simulator must notice. */
export interface Bugs extends LedgerBugs, WiringBugs {
  /** Changes what the disk does. */
  disk?(real: Disk): Disk;
}

/** What a run came to: counts that show how much of the world it has seen. */
export interface Outcome {
  readonly acknowledged: number;
  readonly crashes: number;
  readonly stops: number;
  readonly restores: number;
  readonly refused: number;
  readonly journalIds: number;
  readonly gapRecords: number;
  readonly skippedSpans: number;
}

const FINISH_STEPS = 60_000;

/** Runs one seed to its end; throws a sentence that says what was violated. */
export async function simulate(seed: number, bugs: Bugs = {}): Promise<Outcome> {
  const world = new World(seed, bugs);
  try {
    return await world.run();
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`seed ${seed}: ${what}\nlast events: ${world.recentEvents().join(', ')}`, {
      cause: error,
    });
  }
}

class World {
  readonly #bugs: Bugs;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #disk: SimulatedDisk;
  readonly #ledger: SimulatedLedger;
  readonly #sizes: { maxBytes: number; segmentBytes: number; retainMs: number };
  readonly #counts = new Map<string, number>();
  readonly #events: string[] = [];
  #life = new Life();
  #collector: RunningCollector | null = null;
  #isStarting = false;
  #nextKey = 1;
  #nextId = 1;
  /** Requests whose senders have no answer yet and will send again. */
  #unanswered: JournalRecord[] = [];
  /** Requests already acknowledged that some sender repeats. */
  #repeats: JournalRecord[] = [];
  readonly #acknowledged = new Set<string>();
  /** Acknowledged calls that went away with an older directory. */
  readonly #excused = new Set<string>();
  /** Stored calls that an older database does not have; the journal gives them again or reports a gap. */
  readonly #atRisk = new Set<string>();
  readonly #forwarded = new Set<string>();
  #directoryCopies: (() => void)[] = [];
  #databaseCopies: (() => void)[] = [];
  #directoryRestores = 0;
  #isDestinationDown = false;
  #crashes = 0;
  #stops = 0;
  #restores = 0;
  #refused = 0;
  #failure: Error | null = null;

  constructor(seed: number, bugs: Bugs) {
    this.#bugs = bugs;
    this.#random = new Random(seed);
    this.#scheduler = new Scheduler(this.#random);
    this.#disk = new SimulatedDisk(this.#random, this.#scheduler);
    this.#ledger = new SimulatedLedger(this.#random, this.#scheduler, bugs);
    const maxBytes = this.#random.int(4000, 20_000);
    this.#sizes = {
      maxBytes,
      segmentBytes: this.#random.int(300, 2000),
      retainMs: this.#random.pick([0, 1000, 3_600_000]),
    };
    if (this.#random.chance(0.3)) this.#disk.faults.syncFails = 0.02;
    if (this.#random.chance(0.2)) this.#disk.faults.readFails = 0.01;
    if (this.#random.chance(0.5)) {
      Object.assign(this.#ledger.faults, { fails: 0.1, unseen: 0.1, late: 0.05 });
    }
  }

  recentEvents(): readonly string[] {
    return this.#events.slice(-30);
  }

  async run(): Promise<Outcome> {
    const steps = this.#random.int(100, 500);
    for (let i = 0; i < steps; i += 1) {
      await this.#act();
      if (i % 20 === 0) this.#checkNothingLost();
    }
    await this.#finish();
    return {
      acknowledged: this.#acknowledged.size,
      crashes: this.#crashes,
      stops: this.#stops,
      restores: this.#restores,
      refused: this.#refused,
      journalIds: this.#nextId - 1,
      gapRecords: this.#count('spanmeter_journal_gap_records_total'),
      skippedSpans: this.#count('spanmeter_exporter_skipped_spans_total'),
    };
  }

  async #act(): Promise<void> {
    if (this.#collector === null && !this.#isStarting) this.#start();
    const dice = this.#random.next();
    if (dice < 0.2) this.#send();
    else if (dice < 0.9) await this.#scheduler.step();
    else if (dice < 0.93) this.#scheduler.advance(this.#random.int(1, 3000));
    else if (dice < 0.985) this.#changeWeather();
    else this.#disaster();
    await settle();
    this.#check();
  }

  #changeWeather(): void {
    const { faults } = this.#ledger;
    const dice = this.#random.int(0, 5);
    if (dice === 0) faults.isDown = !faults.isDown && this.#random.chance(0.5);
    else if (dice === 1) this.#ledger.runLate();
    else if (dice === 2) this.#databaseCopies = [...this.#databaseCopies, this.#ledger.snapshot()].slice(-3);
    else if (dice === 3) this.#directoryCopies = [...this.#directoryCopies, this.#disk.copy()].slice(-3);
    else if (dice === 4) this.#isDestinationDown = !this.#isDestinationDown;
    else {
      const isFull = this.#disk.faults.capacityBytes === Infinity && this.#random.chance(0.5);
      this.#disk.faults.capacityBytes = isFull ? this.#disk.usedBytes + this.#random.int(0, 300) : Infinity;
    }
  }

  #disaster(): void {
    const dice = this.#random.next();
    if (dice < 0.15) return this.#stop();
    if (dice < 0.3) return this.#crash('kill', false);
    if (dice < 0.7) return this.#crash('power cut', true);
    if (dice < 0.85) return this.#restoreDatabase();
    this.#crash('kill before restore', false);
    if (this.#random.chance(0.3)) this.#replaceDirectory('emptied', () => this.#disk.clear());
    else if (this.#directoryCopies.length > 0) {
      this.#replaceDirectory('restored', this.#random.pick(this.#directoryCopies));
    }
  }

  #restoreDatabase(): void {
    if (this.#databaseCopies.length === 0) return;
    this.#event('database restored');
    this.#restores += 1;
    const before = [...this.#acknowledged].filter((key) => this.#ledger.has(key));
    const chosen = this.#random.int(0, this.#databaseCopies.length - 1);
    this.#databaseCopies[chosen]?.();
    // Nobody can tell a database that goes back and then forward again to what it had given up.
    this.#databaseCopies = this.#databaseCopies.slice(0, chosen + 1);
    for (const key of before) if (!this.#ledger.has(key)) this.#atRisk.add(key);
  }

  #replaceDirectory(what: string, replace: () => void): void {
    this.#event(`directory ${what}`);
    this.#restores += 1;
    this.#directoryRestores += 1;
    replace();
    for (const key of this.#acknowledged) if (!this.#isSafe(key)) this.#excused.add(key);
  }

  #crash(how: string, losesPower: boolean): void {
    this.#event(how);
    this.#crashes += 1;
    this.#scheduler.kill(this.#life);
    if (losesPower) this.#disk.loseUnsynced();
    this.#life = new Life();
    this.#collector = null;
    this.#isStarting = false;
    this.#checkNothingLost();
  }

  /** An orderly end: the drains give up at once, the journal lets what is under way become durable. */
  #stop(): void {
    const collector = this.#collector;
    if (collector === null) return;
    this.#event('stop');
    this.#stops += 1;
    const life = this.#life;
    const now = AbortSignal.abort();
    this.#collector = null;
    this.#isStarting = true;
    const stopped = Promise.all([collector.ledgerDrain.stop(now), collector.forwardDrain.stop(now)]);
    void stopped
      .then(() => collector.journal.close())
      .then(() => {
        if (life === this.#life) this.#crash('exit', false);
      });
  }

  #start(): void {
    this.#isStarting = true;
    const life = this.#life;
    const disk = this.#disk.forLife(life);
    const starting = startCollector({
      life,
      scheduler: this.#scheduler,
      random: this.#random,
      disk: this.#bugs.disk?.(disk) ?? disk,
      ledger: this.#ledger.forLife(life),
      metrics: this.#metrics(),
      bugs: this.#bugs,
      sizes: this.#sizes,
      newId: () => `00000000-0000-4000-8000-${String(this.#nextId++).padStart(12, '0')}`,
      send: (keys) => {
        if (this.#isDestinationDown) throw new Error('the destination is down');
        for (const key of keys) this.#forwarded.add(key);
      },
    });
    starting.then(
      (collector) => {
        if (life !== this.#life) return;
        this.#event('started');
        this.#collector = collector;
        this.#isStarting = false;
      },
      (error: unknown) => {
        if (life !== this.#life) return;
        this.#event(`start refused: ${String(error)}`);
        this.#isStarting = false;
      },
    );
  }

  #send(): void {
    const record = this.#nextRequest();
    if (this.#collector === null) return void this.#unanswered.push(record);
    const life = this.#life;
    this.#unanswered.push(record);
    this.#collector.journal.append(record).then(
      () => {
        if (life === this.#life) this.#acknowledge(record);
      },
      (error: unknown) => {
        if (error instanceof Refusal && error.retryable) this.#refused += 1;
        else this.#fail(`append rejected with ${String(error)}`);
      },
    );
  }

  #nextRequest(): JournalRecord {
    if (this.#unanswered.length > 0 && this.#random.chance(0.4)) {
      return this.#unanswered.splice(this.#random.int(0, this.#unanswered.length - 1), 1)[0] as JournalRecord;
    }
    if (this.#repeats.length > 0 && this.#random.chance(0.2)) return this.#random.pick(this.#repeats);
    const keys = Array.from({ length: this.#random.int(1, 3) }, () => `k${this.#nextKey++}`);
    return requestOf(keys, {
      fillBytes: this.#random.int(0, this.#random.chance(0.1) ? 900 : 100),
      isPoisoned: this.#random.chance(0.03),
      isRejected: this.#random.chance(0.05),
      receivedUnixMs: this.#scheduler.nowMs,
    });
  }

  #acknowledge(record: JournalRecord): void {
    this.#unanswered = this.#unanswered.filter((other) => other !== record);
    this.#repeats = [...this.#repeats, record].slice(-5);
    const durable = this.#disk.durableText();
    for (const key of keysOf(record.body)) {
      if (!durable.includes(`${key} `) && !this.#ledger.has(key)) {
        this.#fail(`${key} was acknowledged before it was durable`);
      }
      this.#acknowledged.add(key);
      this.#excused.delete(key);
    }
  }

  #isSafe(key: string, text: string = this.#disk.cachedText()): boolean {
    return this.#ledger.has(key) || text.includes(`${key} `);
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
    const fault = this.#ledger.fault();
    if (fault !== null) throw new Error(fault);
    const size = this.#collector?.journal.sizeBytes ?? 0;
    if (size > this.#sizes.maxBytes) throw new Error(`the journal holds ${size} bytes, over its bound`);
  }

  /** Acknowledged = stored + pending in the journal + dead letters, but for what an older copy took away. */
  #checkNothingLost(): void {
    const text = this.#disk.cachedText();
    for (const key of this.#acknowledged) {
      if (this.#excused.has(key) || this.#atRisk.has(key) || this.#isSafe(key, text)) continue;
      throw new Error(`${key} was acknowledged and is nowhere`);
    }
  }

  /** Good weather: everything sent must be acknowledged, stored and forwarded in the end. */
  async #finish(): Promise<void> {
    Object.assign(this.#ledger.faults, { isDown: false, fails: 0, unseen: 0, late: 0 });
    Object.assign(this.#disk.faults, { syncFails: 0, readFails: 0, capacityBytes: Infinity });
    this.#isDestinationDown = false;
    this.#event('good weather');
    for (let i = 0; !this.#isFinished(); i += 1) {
      if (i > FINISH_STEPS) throw new Error(`stuck: ${this.#describe()}`);
      if (this.#collector === null && !this.#isStarting) this.#start();
      if (this.#unanswered.length > 0 && this.#scheduler.isIdle) this.#resend();
      await this.#scheduler.step();
      this.#check();
    }
    this.#checkNothingLost();
    this.#checkFinal();
  }

  #resend(): void {
    const { journal } = this.#collector ?? {};
    const [record] = this.#unanswered;
    if (journal === undefined || record === undefined) return;
    journal.append(record).then(
      () => this.#acknowledge(record),
      () => {
        this.#refused += 1;
      },
    );
  }

  #isFinished(): boolean {
    if (this.#collector === null || this.#unanswered.length > 0) return false;
    const { ledgerDrain, forwardDrain } = this.#collector;
    const isDone = [ledgerDrain, forwardDrain].every((drain) => {
      const { state, pendingRecords } = drain.status();
      return state === 'running' && pendingRecords === 0;
    });
    return isDone && this.#scheduler.isIdle;
  }

  #checkFinal(): void {
    const gaps = this.#count('spanmeter_journal_gap_records_total');
    const skipped = this.#count('spanmeter_exporter_skipped_spans_total');
    for (const key of this.#acknowledged) {
      if (this.#excused.has(key)) continue;
      if (!this.#ledger.has(key)) {
        const isReported = this.#atRisk.has(key) && (gaps > 0 || this.#directoryRestores > 0);
        if (!isReported) throw new Error(`${key} was acknowledged and neither stored nor reported`);
      }
      const isExpected =
        gaps === 0 && skipped === 0 && this.#directoryRestores === 0 && this.#ledger.stored.has(key);
      if (isExpected && !this.#forwarded.has(key)) throw new Error(`${key} was stored and not forwarded`);
    }
  }

  #describe(): string {
    const drains = [this.#collector?.ledgerDrain, this.#collector?.forwardDrain];
    return JSON.stringify({
      unanswered: this.#unanswered.length,
      isStarting: this.#isStarting,
      size: this.#collector?.journal.sizeBytes,
      sizes: this.#sizes,
      end: this.#collector?.journal.end,
      drains: drains.map((drain) => drain?.status()),
    });
  }

  #metrics(): SelfMetrics {
    return {
      counter: (name) => ({ add: (amount) => void this.#counts.set(name, this.#count(name) + amount) }),
      histogram: () => ({ observe() {} }),
      gauge() {},
    };
  }

  #count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  #fail(message: string): void {
    this.#failure ??= new Error(message);
  }

  #event(what: string): void {
    this.#events.push(what);
  }
}
