import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { AdapterHost, CallKind, StreamReader } from '../../adapter.ts';
import { asObject, putString } from '../../json.ts';
import { ATTR_OPERATION, ATTR_REQUEST_MODEL, ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { TextSize } from '../../text-size.ts';
import { isNewResult } from '../anthropic/batch-results.ts';
import { putAnswer } from './model-answer.ts';
import { putModel } from './model-identity.ts';

/**
 * A look at the results of a batch (`ai@7` experimental_getBatchResults): each that succeeded is a call, told when it
 * is read, once in a process however often that is. What failed, expired or was cancelled is not billed.
 */
export function batchResultsKind(batch: unknown, host: AdapterHost): CallKind {
  return {
    operation: 'fetch_response',
    request: () => identity(batch),
    response: () => ({}),
    stream: () => new BatchReader((item) => tell(host, batch, item)),
  };
}

/** The configuration that models have themselves is among the options of a batch. */
function identity(batch: unknown): Attributes {
  const { provider, options } = asObject(batch) ?? {};
  const attributes: Attributes = {};
  putModel(attributes, { provider, config: asObject(options)?.['config'] });
  return attributes;
}

class BatchReader implements StreamReader {
  readonly #tell: (item: unknown) => void;

  constructor(tellItem: (item: unknown) => void) {
    this.#tell = tellItem;
  }

  read(item: unknown): boolean {
    this.#tell(item);
    return false;
  }

  attributes(): Attributes {
    return {};
  }

  received(): TextSize {
    return new TextSize();
  }
}

/** Images of batches are not told: their usage has no model with it. */
function tell(host: AdapterHost, batch: unknown, item: unknown): void {
  const { type, status, result } = asObject(item) ?? {};
  const answer = asObject(result);
  if (type !== 'text' || status !== 'succeeded' || answer === undefined) return;
  host.guard(() => {
    const attributes: Attributes = { ...identity(batch), [ATTR_OPERATION]: 'chat', 'spanmeter.batch': true };
    putAnswer(attributes, { provider: asObject(batch)?.['provider'] }, answer);
    const id = attributes[ATTR_RESPONSE_ID];
    if (typeof id === 'string' && !isNewResult(id)) return;
    const model = attributes[ATTR_RESPONSE_MODEL];
    putString(attributes, ATTR_REQUEST_MODEL, model);
    const name = typeof model === 'string' ? `chat ${model}` : 'chat';
    host.startSpan({ name, kind: SpanKind.CLIENT, attributes })?.end();
  });
}
