import { SpanKind } from '@opentelemetry/api';
import type { AdapterHost, CallKind, SdkAdapter } from '../adapter.ts';
import type { ObservedCall } from '../call.ts';
import { canHide, hide } from '../hidden.ts';
import { asObject, prototypeAt, putString } from '../json.ts';
import { AgentModels } from './openai-agents/agent-models.ts';
import { traceAgents } from './openai-agents/trace-processor.ts';
import { isPromise } from '../promises.ts';

/** A run of agents: what its models, tools and agents do is told inside it. */
const RUN: CallKind = {
  operation: 'invoke_workflow',
  measured: false,
  spanKind: SpanKind.INTERNAL,
  request: (runner) => {
    const attributes = {};
    putString(attributes, 'gen_ai.workflow.name', asObject(asObject(runner)?.['config'])?.['workflowName']);
    return attributes;
  },
  response: () => ({}),
  spanName: (attributes) =>
    `invoke_workflow ${String(attributes['gen_ai.workflow.name'] ?? 'Agent workflow')}`,
  watch: (result, call) => (isPromise(result) ? followRun(result, call) : undefined),
};

function followRun(run: Promise<unknown>, call: ObservedCall): Promise<unknown> {
  return run.then(
    (value) => {
      call.answer();
      call.guard(() => endWithRun(value, call));
      return value;
    },
    (error: unknown) => {
      call.fail(error);
      throw error;
    },
  );
}

/** A streamed run has only begun by now: the SDK's own steps at its end tell how it went. */
function endWithRun(result: unknown, call: ObservedCall): void {
  const run = asObject(result);
  const { _done: done, _raiseError: raise } = run ?? {};
  const known = typeof done === 'function' && typeof raise === 'function';
  if (run === undefined || !known || !canHide(run, '_done')) return call.succeed(undefined);
  hide(run, '_done', (...args: unknown[]) => {
    call.succeed(undefined);
    return Reflect.apply(done, run, args);
  });
  hide(run, '_raiseError', (...args: unknown[]) => {
    call.fail(args[0]);
    return Reflect.apply(raise, run, args);
  });
}

function patch(moduleExports: unknown, host: AdapterHost): unknown {
  const runner = prototypeAt(moduleExports, ['Runner']);
  if (runner === undefined) return moduleExports;
  const models = new AgentModels(host);
  host.wrapMethod(runner, 'run', (resource, args) => {
    models.see(asObject(resource)?.['config'], args[0]);
    traceAgents(moduleExports, host);
    return RUN;
  });
  return moduleExports;
}

/**
 * The `@openai/agents` packages: runs, agents, tools, handoffs and guardrails. Their requests are told by the SDK
 * below, which is `openai` or `ai`; where nobody below tells of one, the model's own answer is.
 */
export const openaiAgents: SdkAdapter = {
  module: '@openai/agents-core',
  versions: ['>=0.1.0 <1'],
  methods: [],
  patch,
  exportsOf: (client) => {
    const runner = asObject(client);
    const isRunner = typeof runner?.['run'] === 'function' && 'inputGuardrailDefs' in runner;
    return isRunner ? { Runner: runner.constructor } : undefined;
  },
  rivals: ['@arizeai/openinference-instrumentation-openai-agents'],
};
