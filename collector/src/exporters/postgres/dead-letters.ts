import { createHash } from 'node:crypto';
import type { DeadLetter } from '../../pipeline/ledger.ts';
import { storable } from './binary-copy.ts';
import type { Session } from './session.ts';

/** Index rows end at 2,704 bytes: a tenant that long may be why the letter is dead. */
const MAX_TENANT_CHARACTERS = 512;
const MAX_DETAIL_CHARACTERS = 4_096;
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;
/** Letters per statement, so that payloads never make one message too large. */
const STATEMENT_BYTES = 16 * 1024 * 1024;
const STATEMENT_LETTERS = 1_000;

/** Writes dead letters, each once by tenant and digest; resolves with the number of new ones. */
export async function writeDeadLetters(session: Session, letters: readonly DeadLetter[]): Promise<number> {
  let written = 0;
  let pending: DeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    pending.push(letter);
    bytes += letter.payload.length;
    if (bytes < STATEMENT_BYTES && pending.length < STATEMENT_LETTERS) continue;
    written += await insert(session, pending);
    pending = [];
    bytes = 0;
  }
  return pending.length === 0 ? written : written + (await insert(session, pending));
}

async function insert(session: Session, letters: readonly DeadLetter[]): Promise<number> {
  const result = await session.query(
    `INSERT INTO spanmeter.dead_letters (tenant_id, digest, received_at, reason, detail, payload)
     SELECT * FROM unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[])
     ON CONFLICT DO NOTHING`,
    [
      letters.map((letter) => bounded(letter.tenantId, MAX_TENANT_CHARACTERS)),
      letters.map(digestOf),
      letters.map((letter) => new Date(letter.receivedUnixMs).toISOString()),
      letters.map((letter) => bounded(letter.reason, MAX_TENANT_CHARACTERS)),
      letters.map((letter) => bounded(letter.detail, MAX_DETAIL_CHARACTERS)),
      letters.map((letter) => Buffer.from(letter.payload).subarray(0, MAX_PAYLOAD_BYTES)),
    ],
  );
  return result.rowCount ?? 0;
}

function bounded(text: string, characters: number): string {
  return storable(text.slice(0, characters));
}

/** By what was sent, so that a letter sent twice is one; by the detail where nothing of it is left. */
function digestOf(letter: DeadLetter): Buffer {
  const hash = createHash('sha256').update(`${letter.reason}\u0000`);
  return hash.update(letter.payload.length > 0 ? letter.payload : letter.detail).digest();
}
