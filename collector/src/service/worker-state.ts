import type { ExporterState, PartState } from '../extensions/health-check.ts';
import type { Drain, DrainStatus } from '../pipeline/drain-status.ts';
import type { WorkerState } from './messages.ts';

/** Pending this long, an exporter is called lagging. */
const LAGGING_SECONDS = 60;

function lagSeconds({ oldestPendingUnixMs }: DrainStatus): number {
  return oldestPendingUnixMs === null ? 0 : Math.max(0, (Date.now() - oldestPendingUnixMs) / 1000);
}

function exporterState(status: DrainStatus): ExporterState {
  const { exporter, state, lastError, pendingSpans } = status;
  const seconds = lagSeconds(status);
  const word =
    state === 'retrying'
      ? 'unavailable'
      : state === 'running' && seconds > LAGGING_SECONDS
        ? 'lagging'
        : state === 'running'
          ? 'ok'
          : state;
  return {
    id: exporter,
    state: word,
    pendingSpans,
    lagSeconds: Math.round(seconds),
    ...(lastError === null ? {} : { message: lastError }),
  };
}

/** The words that health says of the worker's parts. */
export function workerState(drains: readonly Drain[], hasLedger: boolean): WorkerState {
  const exporters = drains.map((drain) => exporterState(drain.status()));
  const ledger = exporters.find(({ id }) => id === 'postgres' || id.startsWith('postgres/'));
  const postgres: PartState =
    ledger === undefined
      ? { state: hasLedger ? 'starting' : 'not configured' }
      : ledger.message === undefined
        ? { state: ledger.state }
        : { state: ledger.state, message: ledger.message };
  return { postgres, exporters };
}

/** How an exporter stands, as `/api/v1/status` tells it. */
export function exporterReport(status: DrainStatus): object {
  return {
    exporter: status.exporter,
    journal_id: status.journalId,
    state: status.state,
    done_sequence: status.doneSequence,
    pending_records: status.pendingRecords,
    pending_spans: status.pendingSpans,
    pending_bytes: status.pendingBytes,
    oldest_pending_at:
      status.oldestPendingUnixMs === null ? null : new Date(status.oldestPendingUnixMs).toISOString(),
    last_error: status.lastError,
    gaps: status.gaps.map((gap) => ({
      first_sequence: gap.firstSequence,
      last_sequence: gap.lastSequence,
      reason: gap.reason,
      noticed_at: new Date(gap.noticedUnixMs).toISOString(),
    })),
  };
}
