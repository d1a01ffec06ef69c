import { createHash } from 'node:crypto';
import { TABLES, type Call, type CostStatus } from '@spanmeter/processors';
import { BinaryCopy } from './binary-copy.ts';
import { COST_SCALE } from './call-rows.ts';

/** Columns of `spanmeter.spend_rollup` in the order that `encodeRollups` writes them. */
export const ROLLUP_COLUMNS: readonly string[] = TABLES.spend_rollup;

const FIRST_SUM = ROLLUP_COLUMNS.indexOf('calls');
/** Columns that add up. */
export const ROLLUP_SUMS: readonly string[] = ROLLUP_COLUMNS.filter(
  (name, index) => index >= FIRST_SUM && name !== 'recorded_on',
);

const MS_PER_DAY = 86_400_000;
const BUCKET_MICROS = 15 * 60 * 1_000_000;
const HASH_BYTES = 16;
const MAX_CACHED_HASHES = 50_000;
const EXPECTED_ROW_BYTES = 400;
/** No dimension holds it: NUL is not storable. */
const SEPARATOR = '\u0000';
const ABSENT = '\u0000-';
/** A sum of safe integers below this stays safe by one more below `LARGE`. */
const MAX_SUM = 2 ** 52;
const LARGE = 2 ** 45;

/** -1 takes a call out of a sum again. */
type Sign = 1 | -1;

/** Adds token counts exactly: numbers while they are small, bigint beyond. */
class TokenSum {
  #small = 0;
  #large = 0n;

  add(count: number | null, sign: Sign): void {
    if (count === null) return;
    if (count >= LARGE) {
      this.#large += BigInt(sign * count);
      return;
    }
    this.#small += sign * count;
    if (this.#small < MAX_SUM && this.#small > -MAX_SUM) return;
    this.#large += BigInt(this.#small);
    this.#small = 0;
  }

  total(): bigint {
    return this.#large + BigInt(this.#small);
  }
}

interface Group {
  readonly call: Call;
  readonly status: CostStatus;
  readonly bucket: number;
  /** UTC day of receipt, in days since 1970. */
  readonly recordedOn: number;
  readonly hash: Buffer;
  calls: number;
  errors: number;
  cost: bigint;
  reportedCost: bigint;
  estimatedCalls: number;
  estimatedCost: bigint;
  readonly input: TokenSum;
  readonly cacheRead: TokenSum;
  readonly cacheWrite: TokenSum;
  readonly output: TokenSum;
  readonly reasoning: TokenSum;
}

const hashes = new Map<string, Buffer>();

/** First 16 bytes of SHA-256 over the dimensions: the same in every collector and version. */
export function hashOf(dimensions: string): Buffer {
  const known = hashes.get(dimensions);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(dimensions).digest().subarray(0, HASH_BYTES);
  if (hashes.size >= MAX_CACHED_HASHES) hashes.clear();
  hashes.set(dimensions, hash);
  return hash;
}

function dimensionsOf(call: Call, status: CostStatus): string {
  return (
    call.provider +
    SEPARATOR +
    call.model +
    SEPARATOR +
    call.operation +
    SEPARATOR +
    call.serviceName +
    SEPARATOR +
    (call.environment ?? ABSENT) +
    SEPARATOR +
    (call.team ?? ABSENT) +
    SEPARATOR +
    (call.feature ?? ABSENT) +
    SEPARATOR +
    (call.keyId ?? ABSENT) +
    SEPARATOR +
    status
  );
}

/** Sums calls by tenant, 15 minutes and dimensions, and encodes the sums for COPY; sorted by key. */
export function encodeRollups(calls: readonly Call[], journalId: string): BinaryCopy {
  const groups = new Groups();
  for (const call of calls) {
    groups.add(call, call.costStatus, call.costPicoUsd, Math.floor(call.receivedUnixMs / MS_PER_DAY), 1);
  }
  return groups.encode(journalId);
}

/** What a correction changed of a stored call; the call's own dimensions, status apart, stay. */
export interface Correction {
  readonly call: Call;
  readonly oldStatus: CostStatus;
  /** In 1e-12 USD. */
  readonly oldCost: bigint | null;
  readonly newStatus: CostStatus;
  readonly newCost: bigint | null;
}

/** What corrections add to the sums: each call leaves its old status and joins its new one, in its own bucket. */
export class CorrectionSums {
  readonly #groups = new Groups();
  readonly #recordedOn: number;
  readonly #runId: string;

  /** `recordedOn` is the UTC day of the corrections, in days since 1970; the run stands where a journal does. */
  constructor(recordedOn: number, runId: string) {
    this.#recordedOn = recordedOn;
    this.#runId = runId;
  }

  add({ call, oldStatus, oldCost, newStatus, newCost }: Correction): void {
    if (oldStatus === newStatus) {
      this.#groups.addCost(call, newStatus, (newCost ?? 0n) - (oldCost ?? 0n), this.#recordedOn);
      return;
    }
    this.#groups.add(call, oldStatus, oldCost, this.#recordedOn, -1);
    this.#groups.add(call, newStatus, newCost, this.#recordedOn, 1);
  }

  /** Rows of `ROLLUP_COLUMNS` for COPY. */
  encode(): BinaryCopy {
    return this.#groups.encode(this.#runId);
  }
}

/** The sums of one transaction under way. */
class Groups {
  readonly #groups = new Map<string, Group>();

  add(call: Call, status: CostStatus, cost: bigint | null, recordedOn: number, sign: Sign): void {
    addCall(this.#groupOf(call, status, recordedOn), call, cost, sign);
  }

  /** Moves the cost of a call that is counted already. */
  addCost(call: Call, status: CostStatus, delta: bigint, recordedOn: number): void {
    const group = this.#groupOf(call, status, recordedOn);
    group.cost += delta;
    if (call.usageSource === 'estimated') group.estimatedCost += delta;
  }

  #groupOf(call: Call, status: CostStatus, recordedOn: number): Group {
    const bucket = Math.floor(Number(call.startedAtMicros) / BUCKET_MICROS) * BUCKET_MICROS;
    const dimensions = `${dimensionsOf(call, status)}${SEPARATOR}${recordedOn}`;
    const key = call.tenantId + SEPARATOR + String(bucket) + SEPARATOR + dimensions;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = newGroup(call, status, bucket, recordedOn, hashOf(dimensions));
      this.#groups.set(key, group);
    }
    return group;
  }

  encode(journalId: string): BinaryCopy {
    const journal = Buffer.from(journalId.replaceAll('-', ''), 'hex');
    const copy = new BinaryCopy(ROLLUP_COLUMNS.length, this.#groups.size * EXPECTED_ROW_BYTES);
    // A plain comparison of keys is enough: any order will do that all collectors share.
    const sorted = [...this.#groups.entries()].toSorted((a, b) => (a[0] < b[0] ? -1 : 1));
    for (const [, group] of sorted) encodeGroup(copy, group, journal);
    return copy;
  }
}

function newGroup(call: Call, status: CostStatus, bucket: number, recordedOn: number, hash: Buffer): Group {
  return {
    call,
    status,
    bucket,
    recordedOn,
    hash,
    calls: 0,
    errors: 0,
    cost: 0n,
    reportedCost: 0n,
    estimatedCalls: 0,
    estimatedCost: 0n,
    input: new TokenSum(),
    cacheRead: new TokenSum(),
    cacheWrite: new TokenSum(),
    output: new TokenSum(),
    reasoning: new TokenSum(),
  };
}

function addCall(group: Group, call: Call, cost: bigint | null, sign: Sign): void {
  group.calls += sign;
  if (call.errorType !== null) group.errors += sign;
  group.input.add(call.inputTokens, sign);
  group.cacheRead.add(call.cacheReadTokens, sign);
  group.cacheWrite.add(call.cacheWriteTokens, sign);
  group.output.add(call.outputTokens, sign);
  group.reasoning.add(call.reasoningTokens, sign);
  const signed = cost === null ? 0n : signedAmount(cost, sign);
  group.cost += signed;
  if (call.reportedCostPicoUsd !== null) group.reportedCost += signedAmount(call.reportedCostPicoUsd, sign);
  if (call.usageSource !== 'estimated') return;
  group.estimatedCalls += sign;
  group.estimatedCost += signed;
}

function signedAmount(amount: bigint, sign: Sign): bigint {
  return sign === 1 ? amount : -amount;
}

function encodeGroup(copy: BinaryCopy, group: Group, journal: Buffer): void {
  const { call } = group;
  copy.startRow();
  copy.text(call.tenantId);
  copy.timestamp(group.bucket);
  copy.text(call.provider);
  copy.text(call.model);
  copy.text(call.operation);
  copy.text(call.serviceName);
  copy.text(call.environment);
  copy.text(call.team);
  copy.text(call.feature);
  copy.text(call.keyId);
  copy.text(group.status);
  copy.bytea(group.hash);
  copy.bytea(journal);
  copy.int8(group.calls);
  copy.int8(group.errors);
  copy.numeric(group.input.total(), 0);
  copy.numeric(group.cacheRead.total(), 0);
  copy.numeric(group.cacheWrite.total(), 0);
  copy.numeric(group.output.total(), 0);
  copy.numeric(group.reasoning.total(), 0);
  copy.numeric(group.cost, COST_SCALE);
  copy.numeric(group.reportedCost, COST_SCALE);
  copy.date(group.recordedOn);
  copy.int8(group.estimatedCalls);
  copy.numeric(group.estimatedCost, COST_SCALE);
}
