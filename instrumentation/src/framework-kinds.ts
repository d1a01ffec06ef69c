import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { CallKind } from './adapter.ts';
import { classNameOf, putString } from './json.ts';
import { ATTR_OPERATION } from './semconv.ts';

const TOOL_NAME = 'gen_ai.tool.name';
const TOOL_CALL_ID = 'gen_ai.tool.call.id';

const NOTHING_TO_READ = (): Attributes => ({});

/** A tool that a framework runs in this process: a span without usage. `read` tells its name and the call's id. */
export function toolKind(
  read: (resource: unknown, args: unknown) => { readonly name?: unknown; readonly id?: unknown },
): CallKind {
  return {
    operation: 'execute_tool',
    body: (args) => args,
    request(resource, args) {
      const { name, id } = read(resource, args);
      const attributes: Attributes = { [ATTR_OPERATION]: 'execute_tool', 'gen_ai.tool.type': 'function' };
      putString(attributes, TOOL_NAME, name);
      putString(attributes, TOOL_CALL_ID, id);
      return attributes;
    },
    response: NOTHING_TO_READ,
    spanKind: SpanKind.INTERNAL,
    spanName: (attributes) => named('execute_tool', attributes[TOOL_NAME]),
    measured: false,
  };
}

/** A search in a store of documents, by whatever class of the framework does it. */
export const RETRIEVAL: CallKind = {
  operation: 'retrieval',
  request(resource) {
    const attributes: Attributes = { [ATTR_OPERATION]: 'retrieval' };
    putString(attributes, 'gen_ai.data_source.id', classNameOf(resource));
    return attributes;
  },
  response: NOTHING_TO_READ,
  spanKind: SpanKind.INTERNAL,
  spanName: (attributes) => named('retrieval', attributes['gen_ai.data_source.id']),
  measured: false,
};

function named(operation: string, what: unknown): string {
  return typeof what === 'string' ? `${operation} ${what}` : operation;
}
