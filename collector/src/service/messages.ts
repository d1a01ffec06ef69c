import type { ExporterState, PartState } from '../extensions/health-check.ts';
import type { JournalEnd } from '../journal/record.ts';
import type { MetricSnapshot } from '../telemetry/self-metrics.ts';

/** What the worker is started with; it reads the configuration again from the same sources. */
export interface WorkerStart {
  readonly sources: readonly string[];
  readonly sets: readonly string[];
  readonly dataDir: string;
  readonly journal: JournalStart;
  /** Whether the log goes to a terminal, which only the main thread can see. */
  readonly terminal: boolean;
}

/** The journal as it was opened. */
export interface JournalStart {
  readonly dir: string;
  readonly id: string;
  readonly end: JournalEnd;
  readonly openEnd: JournalEnd;
  /** A store's cursor beyond this is not this journal's; null once compared. */
  readonly unconfirmedEnd: number | null;
}

/** How the journal is, for status. */
export interface JournalState {
  readonly id: string;
  readonly oldest_sequence: number;
  readonly last_sequence: number;
  readonly size_bytes: number;
  readonly max_bytes: number;
  /** What opening it found unreadable or missing, by reason. */
  readonly damage: Readonly<Record<string, number>>;
}

/** How the worker's parts are, for health and status. */
export interface WorkerState {
  readonly postgres: PartState;
  readonly exporters: readonly ExporterState[];
}

/** What only the other thread can do or knows, with the type of its answer. */
export interface Questions {
  confirm_cursor: { ask: null; answer: null };
  renew_journal_id: { ask: null; answer: string };
  set_aside: { ask: { readonly segmentFirst: number; readonly offset: number }; answer: null };
  metrics: { ask: null; answer: MetricSnapshot };
  journal: { ask: null; answer: JournalState };
}

export type QuestionName = keyof Questions;

/** From the main thread to the worker. */
export type ToWorker =
  | { readonly type: 'journal'; readonly end: JournalEnd }
  | { readonly type: 'answer'; readonly request: number; readonly value?: unknown; readonly error?: string }
  | { readonly type: 'stop'; readonly deadlineMs: number };

/** From the worker to the main thread. */
export type FromWorker =
  /** Everything of the worker listens; the database was reached, or is being waited for. */
  | { readonly type: 'ready'; readonly database: DatabaseAddress }
  /** Where the keys are; sent as soon as it is known. */
  | { readonly type: 'database'; readonly ownerUrl: string }
  /** Every cursor has passed this record. */
  | { readonly type: 'done'; readonly sequence: number }
  | { readonly type: 'state'; readonly state: WorkerState }
  | { readonly type: 'ask'; readonly request: number; readonly name: QuestionName; readonly ask: unknown }
  /** Start-up failed for a reason that trying again does not remove. */
  | { readonly type: 'fault'; readonly message: string }
  | { readonly type: 'stopped' };

/** What a person needs to open the database. */
export interface DatabaseAddress {
  readonly embedded: boolean;
  /** A read-only URL of the embedded server, to be shown on a terminal only; null for an operator's server. */
  readonly readOnlyUrl: string | null;
  /** The file that holds it; null for an operator's server. */
  readonly readOnlyUrlFile: string | null;
}
