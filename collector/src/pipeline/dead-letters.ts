import type { Call, GenAiSpan, RecordContext, Rejection, SpanGroup } from '@spanmeter/processors';
import type { DamagedRecord } from '../journal/reader.ts';
import type { SourceBatch } from './batch-source.ts';
import type { JournalEntry, SpanOffsets } from './entry.ts';
import type { DeadLetter } from './ledger.ts';

/** What is needed to make dead letters out of what a batch could not process. */
export interface DeadLetterMaking {
  /** OTLP bytes that hold just the GenAI spans of these indices. */
  extract(body: Uint8Array, offsets: SpanOffsets, indices: readonly number[]): Uint8Array;
  /** The tenant a span belongs to; by default what the credential or the header says. */
  tenantOf?(context: RecordContext, span: GenAiSpan | null): string;
}

const NAMED_SPANS = 5;
const EMPTY = new Uint8Array();

/** Everything of a batch that cannot become a row, each with its reason; at most one letter per record, reason and tenant. */
export function deadLettersOf(batch: SourceBatch, making: DeadLetterMaking, nowMs: number): DeadLetter[] {
  const tenantOf = making.tenantOf?.bind(making) ?? tenantByDoor;
  const letters: DeadLetter[] = batch.damaged.map((damaged) =>
    damagedLetter(batch.journalId, damaged, tenantOf, nowMs),
  );
  for (const { entry, message } of batch.unreadable) {
    letters.push({
      tenantId: tenantOf(entry.context, null),
      reason: 'unreadable',
      detail: `Record ${entry.sequence} could not be processed: ${message}`,
      payload: entry.body,
      receivedUnixMs: entry.context.receivedUnixMs,
    });
  }
  for (const [i, group] of batch.groups.entries()) {
    const entry = batch.entries[i];
    if (entry === undefined || group.rejections.length === 0) continue;
    letters.push(...rejectionLetters(entry, group, making, tenantOf));
  }
  return letters;
}

/** The bytes of one call of a batch, for a store that refuses it; empty where the call is none of the batch's. */
export function payloadOf(batch: SourceBatch, call: Call, making: DeadLetterMaking): Uint8Array {
  for (const [i, group] of batch.groups.entries()) {
    const index = group.calls.indexOf(call);
    const entry = batch.entries[i];
    if (index !== -1 && entry !== undefined) return making.extract(entry.body, entry.offsets, [index]);
  }
  return EMPTY;
}

/** The tenant as far as the request tells without its spans. */
export function tenantByDoor(context: RecordContext): string {
  const own = context.role === 'ingest' ? context.tenant : (context.declaredTenant ?? context.tenant);
  return own ?? 'default';
}

type TenantOf = (context: RecordContext, span: GenAiSpan | null) => string;

function rejectionLetters(
  entry: JournalEntry,
  group: SpanGroup,
  making: DeadLetterMaking,
  tenantOf: TenantOf,
): DeadLetter[] {
  const together = new Map<string, { tenantId: string; reason: Rejection['reason']; indices: number[] }>();
  for (const { index, reason } of group.rejections) {
    const tenantId = tenantOf(group.context, group.spans[index] ?? null);
    const key = `${reason} ${tenantId}`;
    const found = together.get(key);
    if (found === undefined) together.set(key, { tenantId, reason, indices: [index] });
    else found.indices.push(index);
  }
  return Array.from(together.values(), ({ tenantId, reason, indices }) => ({
    tenantId,
    reason,
    detail: describeSpans(entry.sequence, group, indices),
    payload: making.extract(entry.body, entry.offsets, indices),
    receivedUnixMs: group.context.receivedUnixMs,
  }));
}

function describeSpans(sequence: number, group: SpanGroup, indices: readonly number[]): string {
  const named = indices.slice(0, NAMED_SPANS).map((index) => {
    const span = group.spans[index];
    return span === undefined ? `#${index}` : `${span.traceId}/${span.spanId}`;
  });
  const more = indices.length > NAMED_SPANS ? ` and ${indices.length - NAMED_SPANS} more` : '';
  return `Record ${sequence}, span ${named.join(', ')}${more}`;
}

const DAMAGE_TEXT: Readonly<Record<DamagedRecord['reason'], string>> = {
  body: 'its bytes are not what was written',
  head: 'its head is not what was written',
  rest: 'the rest of the file cannot be read',
  missing: 'no file has it',
};

/** The bytes of a damaged record stay with the tenant of its head; without one they stay in the file set aside. */
function damagedLetter(
  journalId: string,
  damaged: DamagedRecord,
  tenantOf: TenantOf,
  nowMs: number,
): DeadLetter {
  const { firstSequence, lastSequence, context } = damaged;
  const records =
    firstSequence === lastSequence
      ? `Record ${firstSequence}`
      : `Records ${firstSequence} to ${lastSequence}`;
  const place = `${damaged.file} at byte ${damaged.offset} (${damaged.bytes} bytes)`;
  return {
    tenantId: context === null ? 'default' : tenantOf(context, null),
    reason: 'journal_damaged',
    detail: `${records} of journal ${journalId}, ${place}: ${DAMAGE_TEXT[damaged.reason]}`,
    payload: damaged.body ?? EMPTY,
    receivedUnixMs: context?.receivedUnixMs ?? nowMs,
  };
}
