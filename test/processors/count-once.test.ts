import assert from 'node:assert/strict';
import type { AttributeValue, GenAiSpan } from '@spanmeter/processors';
import { GPT_4O, NOW_NANOS, process, spanOf } from './spans.ts';

const TRACE = 'a'.repeat(32);

function inTrace(
  spanId: string,
  parentSpanId: string | null,
  attributes: Record<string, AttributeValue> = {},
  more: Partial<GenAiSpan> = {},
): GenAiSpan {
  const { startUnixNano = NOW_NANOS, endUnixNano = NOW_NANOS + 10n } = more;
  return spanOf(
    { ...GPT_4O, ...attributes },
    { traceId: TRACE, spanId, parentSpanId, startUnixNano, endUnixNano },
  );
}

/** Statuses by span id, alike for every order of the spans. */
function decide(spans: readonly GenAiSpan[]): Record<string, string> {
  const once = (order: readonly GenAiSpan[]): Record<string, string> => {
    const found = process(order).map((call) => [
      call?.spanId ?? '',
      call?.duplicateOf == null ? (call?.costStatus ?? '') : `${call.costStatus} of ${call.duplicateOf}`,
    ]);
    return Object.fromEntries(found.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))) as Record<
      string,
      string
    >;
  };
  const forward = once(spans);
  assert.deepEqual(once(spans.toReversed()), forward);
  return forward;
}

describe('counting once', () => {
  it('leaves out what is marked as told by the span above it, whatever it counts', () => {
    const spans = [
      inTrace('a', null),
      inTrace('b', 'a', { 'spanmeter.told_above': true, 'gen_ai.usage.input_tokens': 7 }),
    ];
    assert.deepEqual(decide(spans), { a: 'priced', b: 'not_billable' });
  });

  it('bills the innermost of nested spans of one model and usage', () => {
    assert.deepEqual(decide([inTrace('a', null), inTrace('b', 'a'), inTrace('c', 'b')]), {
      a: 'duplicate of c',
      b: 'duplicate of c',
      c: 'priced',
    });
  });

  it('sees through spans between them that are no calls', () => {
    const tool = inTrace('t', 'a', { 'gen_ai.operation.name': 'execute_tool' });
    assert.deepEqual(decide([inTrace('a', null), tool, inTrace('b', 't')]), {
      a: 'duplicate of b',
      b: 'priced',
      t: 'not_billable',
    });
  });

  it('takes a dated answer and the name that was asked for as one model', () => {
    const inner = inTrace('b', 'a', { 'gen_ai.response.model': 'gpt-4o-2024-08-06' });
    assert.equal(decide([inTrace('a', null), inner])['a'], 'duplicate of b');
  });

  it('decides tens of thousands of spans of one trace or one response without growing slow', () => {
    const count = 20_000;
    const id = (index: number): string => (index % count).toString(16).padStart(16, '0');
    const spans = (parentOf: (index: number) => string | null, more: Record<string, AttributeValue> = {}) =>
      Array.from({ length: count }, (_, index) => inTrace(id(index), parentOf(index), more));
    const shapes = {
      chain: spans((index) => (index === 0 ? null : id(index - 1))),
      ring: spans((index) => id(index + 1)),
      response: spans(() => null, { 'gen_ai.response.id': 'one' }),
    };
    for (const [name, shape] of Object.entries(shapes)) {
      const billed = process(shape).filter((call) => call?.costStatus === 'priced');
      assert.equal(billed.length, 1, name);
    }
  });

  it('bills two calls side by side, however alike they are', () => {
    assert.deepEqual(decide([inTrace('a', null), inTrace('b', null)]), { a: 'priced', b: 'priced' });
  });

  it('bills a call and another one that it made with other usage', () => {
    const other = inTrace('b', 'a', { 'gen_ai.usage.output_tokens': 7 });
    assert.deepEqual(decide([inTrace('a', null), other]), { a: 'priced', b: 'priced' });
  });

  it('does not bill a parent that repeats the sum of its children', () => {
    const half = { 'gen_ai.usage.input_tokens': 500, 'gen_ai.usage.output_tokens': 250 };
    assert.deepEqual(decide([inTrace('p', null), inTrace('a', 'p', half), inTrace('b', 'p', half)]), {
      a: 'priced',
      b: 'priced',
      p: 'not_billable',
    });
  });

  it('does not bill what repeats a parent that repeats its children', () => {
    const half = { 'gen_ai.usage.input_tokens': 500, 'gen_ai.usage.output_tokens': 250 };
    const spans = [inTrace('o', null), inTrace('p', 'o'), inTrace('a', 'p', half), inTrace('b', 'p', half)];
    assert.deepEqual(decide(spans), { a: 'priced', b: 'priced', o: 'not_billable', p: 'not_billable' });
  });

  it('bills spans of one response once, in one trace or at overlapping times', () => {
    const id = { 'gen_ai.response.id': 'resp_1' };
    assert.deepEqual(decide([inTrace('a', null, id), inTrace('b', null, id)]), {
      a: 'priced',
      b: 'duplicate of a',
    });
    const one = spanOf({ ...GPT_4O, ...id }, { spanId: 'c' });
    const inside = spanOf({ ...GPT_4O, ...id }, { spanId: 'd', startUnixNano: NOW_NANOS + 5n });
    assert.deepEqual(decide([one, inside]), { c: 'duplicate of d', d: 'priced' });
  });

  it('bills spans of one response id twice where times are apart, usage differs or tenants do', () => {
    const id = { 'gen_ai.response.id': 'resp_1' };
    const later = { startUnixNano: NOW_NANOS + 10n ** 12n, endUnixNano: NOW_NANOS + 10n ** 12n + 1n };
    const apart = [
      spanOf({ ...GPT_4O, ...id }, { spanId: 'a' }),
      spanOf({ ...GPT_4O, ...id }, { spanId: 'b', ...later }),
    ];
    assert.deepEqual(decide(apart), { a: 'priced', b: 'priced' });
    const differ = [inTrace('a', null, id), inTrace('b', null, { ...id, 'gen_ai.usage.input_tokens': 7 })];
    assert.deepEqual(decide(differ), { a: 'priced', b: 'priced' });
    const tenants = [
      inTrace('a', null, { ...id, 'tenant.id': 'x' }),
      inTrace('b', 'a', { ...id, 'tenant.id': 'y' }),
    ];
    assert.deepEqual(decide(tenants), { a: 'priced', b: 'priced' });
  });

  it('takes a span without usage for a twin of the one that has it', () => {
    const bare = spanOf(
      { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.response.id': 'r' },
      { traceId: TRACE, spanId: 'b' },
    );
    assert.deepEqual(decide([inTrace('a', null, { 'gen_ai.response.id': 'r' }), bare]), {
      a: 'priced',
      b: 'duplicate of a',
    });
  });

  it('never lets a span without usage make twins of two calls whose usage differs', () => {
    const id = { 'gen_ai.response.id': 'r' };
    const bare = spanOf(
      { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', ...id },
      { traceId: TRACE, spanId: 'm' },
    );
    const other = inTrace('b', null, { ...id, 'gen_ai.usage.output_tokens': 7 });
    const statuses = decide([inTrace('a', null, id), bare, other]);
    assert.deepEqual([statuses['a'], statuses['b']], ['priced', 'priced']);
    assert.match(statuses['m'] ?? '', /^duplicate of/);
  });

  it('bills each tenant once where two use the same trace and span ids', () => {
    const of = (tenant: string): GenAiSpan[] => [
      inTrace('a', null, { 'tenant.id': tenant }),
      inTrace('t', 'a', { 'gen_ai.operation.name': 'execute_tool' }),
      inTrace('b', 't', { 'tenant.id': tenant }),
    ];
    const statuses = process([...of('x'), ...of('y')]).map(
      (call) => `${call?.tenantId} ${call?.spanId} ${call?.costStatus}`,
    );
    assert.deepEqual(statuses.toSorted(), [
      'default t not_billable',
      'default t not_billable',
      'x a duplicate',
      'x b priced',
      'y a duplicate',
      'y b priced',
    ]);
  });

  it("keeps one tenant's flood of a response id away from another's twins", () => {
    const id = { 'gen_ai.response.id': 'r' };
    const flood = Array.from({ length: 40 }, (_, i) =>
      spanOf({ ...GPT_4O, ...id, 'gen_ai.usage.input_tokens': i, 'tenant.id': 'x' }),
    );
    const [first, ...rest] = process([
      inTrace('a', null, { ...id, 'tenant.id': 'y' }),
      ...flood,
      inTrace('b', null, { ...id, 'tenant.id': 'y' }),
    ]);
    assert.deepEqual([first?.costStatus, rest.at(-1)?.costStatus], ['priced', 'duplicate']);
  });

  it('lets a resent span that began at another time keep a status of its own', () => {
    const bare = { 'gen_ai.usage.input_tokens': -1 };
    const calls = process([
      inTrace('a', null, bare),
      inTrace('a', null, {}, { startUnixNano: NOW_NANOS + 5000n }),
    ]);
    assert.deepEqual(
      calls.map((call) => call?.costStatus),
      ['invalid_usage', 'priced'],
    );
  });

  it('says of both copies of a resent span what it says of one', () => {
    const calls = process([inTrace('a', null), inTrace('b', 'a'), inTrace('a', null), inTrace('b', 'a')]);
    assert.deepEqual(
      calls.map((call) => call?.costStatus),
      ['duplicate', 'priced', 'duplicate', 'priced'],
    );
  });

  it('ends on parents in a circle', () => {
    const statuses = decide([inTrace('a', 'b'), inTrace('b', 'a')]);
    assert.equal(Object.values(statuses).filter((status) => status === 'priced').length, 1);
  });

  it('stays fast where one response id is repeated thousands of times', () => {
    const spans = Array.from({ length: 5000 }, (_, i) =>
      spanOf({ ...GPT_4O, 'gen_ai.response.id': 'same', 'gen_ai.usage.input_tokens': i }),
    );
    assert.equal(process(spans).filter((call) => call?.costStatus === 'priced').length, 5000);
  });
});
