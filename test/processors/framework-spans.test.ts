import assert from 'node:assert/strict';
import { callOf, spanOf, type AttributeRecord } from './spans.ts';

const AI = { scope: { name: 'ai', version: '' } };

/** Attributes of spans that are no requests to a model, by their names. */
const UNPAID: Readonly<Record<string, AttributeRecord>> = {
  'tools/call add': {
    'mcp.method.name': 'tools/call',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'add',
  },
  'prompts/get greet': { 'mcp.method.name': 'prompts/get', 'gen_ai.prompt.name': 'greet' },
  initialize: { 'mcp.method.name': 'initialize', 'jsonrpc.request.id': '0' },
  'invoke_workflow Lab': { 'gen_ai.operation.name': 'invoke_workflow', 'gen_ai.workflow.name': 'Lab' },
  'invoke_agent Clerk': { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'Clerk' },
  'execute_tool lookup': { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'lookup' },
};

describe('spans of frameworks', () => {
  for (const [name, attributes] of Object.entries(UNPAID)) {
    it(`are billed for nothing where they are of no request: ${name}`, () => {
      assert.equal(callOf(spanOf(attributes, { name })).costStatus, 'not_billable');
    });
  }

  it('of the AI SDK itself are billed by their requests, and not by the calls around these', () => {
    const request = {
      'ai.model.provider': 'openai.chat',
      'gen_ai.system': 'openai.chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.usage.input_tokens': 1000,
      'gen_ai.usage.output_tokens': 500,
    };
    const inner = callOf(spanOf(request, { ...AI, name: 'ai.generateText.doGenerate' }));
    assert.deepEqual([inner.provider, inner.costStatus], ['openai', 'priced']);
    const around = {
      'ai.model.id': 'gpt-4o',
      'ai.usage.promptTokens': 1000,
      'ai.usage.completionTokens': 500,
    };
    const outer = callOf(spanOf(around, { ...AI, name: 'ai.generateText' }));
    assert.equal(outer.costStatus, 'not_billable');
  });

  it('of the AI SDK are named by their provider, however the SDK names it, once they are told in full', () => {
    const full = {
      'gen_ai.system': 'anthropic.messages',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'claude-haiku-4-5',
      'gen_ai.usage.input_tokens': 1820,
      'gen_ai.usage.output_tokens': 180,
      'gen_ai.usage.cache_read.input_tokens': 1000,
      'gen_ai.usage.cache_write.input_tokens': 370,
    };
    const call = callOf(spanOf(full, { ...AI, name: 'ai.streamText.doStream' }));
    assert.deepEqual(
      [call.provider, call.inputTokens, call.cacheReadTokens, call.cacheWriteTokens, call.costStatus],
      ['anthropic', 1820, 1000, 370, 'priced'],
    );
  });
});
