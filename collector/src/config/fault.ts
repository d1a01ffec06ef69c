/** One thing wrong with a configuration. `path` is empty where the whole of it is meant. */
export interface Fault {
  /** `service::pipelines::traces`, as the Collector writes paths. */
  readonly path: string;
  readonly message: string;
  /** The file (or other source) and line, where known. */
  readonly source?: string;
  /** Counted from 1. */
  readonly line?: number;
}

/** One line for a person: where, then what. */
export function formatFault(fault: Fault): string {
  const place =
    fault.source === undefined ? '' : `${fault.source}${fault.line === undefined ? '' : `:${fault.line}`}: `;
  return `${place}${fault.path === '' ? '' : `${fault.path}: `}${fault.message}`;
}
