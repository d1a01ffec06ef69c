import { createHash } from 'node:crypto';
import type { DeadLetter } from '../../pipeline/ledger.ts';
import { BinaryCopy } from './binary-copy.ts';
import type { Statement } from './script.ts';
import { copyInto, STAGED_LETTERS } from './session.ts';

/** Index rows end at 2,704 bytes: a tenant that long may be why the letter is dead. */
const MAX_TENANT_CHARACTERS = 512;
const MAX_DETAIL_CHARACTERS = 4_096;
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

const COLUMNS: readonly string[] = ['tenant_id', 'digest', 'received_at', 'reason', 'detail', 'payload'];
const INSERT_NEW = `INSERT INTO spanmeter.dead_letters (${COLUMNS.join(', ')})
  SELECT ${COLUMNS.join(', ')} FROM ${STAGED_LETTERS} ON CONFLICT DO NOTHING`;

/**
 * Statements that write dead letters, each once by tenant and digest; the last one's count is that of new
 * ones.
 */
export function deadLetterStatements(letters: readonly DeadLetter[]): Statement[] {
  const copy = new BinaryCopy(COLUMNS.length, letters.length * 1024);
  for (const letter of letters) {
    copy.startRow();
    copy.text(letter.tenantId.slice(0, MAX_TENANT_CHARACTERS));
    copy.bytea(digestOf(letter));
    copy.timestamp(letter.receivedUnixMs * 1000);
    copy.text(letter.reason.slice(0, MAX_TENANT_CHARACTERS));
    copy.text(letter.detail.slice(0, MAX_DETAIL_CHARACTERS));
    copy.bytea(letter.payload.subarray(0, MAX_PAYLOAD_BYTES));
  }
  return [copyInto(STAGED_LETTERS, COLUMNS, copy.payload()), { sql: INSERT_NEW }];
}

/** By what was sent, so that a letter sent twice is one; by the detail where nothing of it is left. */
function digestOf(letter: DeadLetter): Buffer {
  const hash = createHash('sha256').update(`${letter.reason}\u0000`);
  return hash.update(letter.payload.length > 0 ? letter.payload : letter.detail).digest();
}
