import assert from 'node:assert/strict';
import {
  createAttribution,
  createCost,
  createCountOnce,
  createNormalizer,
  createUsageEstimator,
} from '@spanmeter/processors';
import type { AttributeValue, Call, CountOnce, GenAiSpan, SpanGroup } from '@spanmeter/processors';
import { GPT_4O, groupOf, NOW_MS, NOW_NANOS, run, spanOf } from './spans.ts';

const TRACE = 'a'.repeat(32);
const CHARACTERS = {
  'spanmeter.usage.estimate.input_characters': 4000,
  'spanmeter.usage.estimate.output_characters': 400,
};
const WINDOW = { windowMs: 120_000, maxCalls: 1000 };

function inTrace(
  spanId: string,
  parentSpanId: string | null,
  attributes: Record<string, AttributeValue> = {},
): GenAiSpan {
  return spanOf({ ...GPT_4O, ...attributes }, { traceId: TRACE, spanId, parentSpanId });
}

function answered(
  spanId: string,
  responseId: string,
  attributes: Record<string, AttributeValue> = {},
): GenAiSpan {
  return spanOf({ ...GPT_4O, 'gen_ai.response.id': responseId, ...attributes }, { spanId });
}

/** One collector's steps: each batch is decided after the one before. */
class Batches {
  readonly once: CountOnce;
  readonly #steps;
  #next = 1;

  constructor(window = WINDOW) {
    this.once = createCountOnce({ window });
    const estimator = createUsageEstimator('characters', null);
    const cost = createCost({ estimator, earlier: (traceId) => this.once.earlier(traceId) });
    this.#steps = [createNormalizer(), createAttribution(), this.once, cost];
  }

  /** Statuses by span id of the spans of one batch, each span a record of its own. */
  decide(spans: readonly GenAiSpan[], at: { sequence?: number; receivedUnixMs?: number } = {}): string[] {
    const first = at.sequence ?? this.#next;
    this.#next = Math.max(this.#next, first + spans.length);
    const receivedUnixMs = at.receivedUnixMs ?? NOW_MS;
    const groups = spans.map((span, i): SpanGroup => ({
      ...groupOf([span], { receivedUnixMs }),
      sequence: first + i,
    }));
    run(groups, ...this.#steps);
    return groups.flatMap((group) =>
      group.calls.map((call: Call | null) =>
        call?.duplicateOf == null ? (call?.costStatus ?? '') : `${call.costStatus} of ${call.duplicateOf}`,
      ),
    );
  }
}

describe('counting once across requests', () => {
  it('bills the span that came first, whichever of two nested ones that is', () => {
    const innerFirst = new Batches();
    assert.deepEqual(innerFirst.decide([inTrace('b', 'a')]), ['priced']);
    assert.deepEqual(innerFirst.decide([inTrace('a', null)]), ['duplicate of b']);
    const outerFirst = new Batches();
    assert.deepEqual(outerFirst.decide([inTrace('a', null)]), ['priced']);
    assert.deepEqual(outerFirst.decide([inTrace('b', 'a')]), ['duplicate of a']);
  });

  it('sees through spans between them that came earlier and are no calls', () => {
    const batches = new Batches();
    const tool = inTrace('t', 'a', { 'gen_ai.operation.name': 'execute_tool' });
    assert.deepEqual(batches.decide([inTrace('b', 't')]), ['priced']);
    assert.deepEqual(batches.decide([tool]), ['not_billable']);
    assert.deepEqual(batches.decide([inTrace('a', null)]), ['duplicate of b']);
  });

  it('bills spans of one response once where their times overlap', () => {
    const batches = new Batches();
    assert.deepEqual(batches.decide([answered('a', 'r1')]), ['priced']);
    assert.deepEqual(batches.decide([answered('b', 'r1'), answered('c', 'r2')]), [
      'duplicate of a',
      'priced',
    ]);
  });

  it('bills one response id twice where usage, tenant or times differ', () => {
    const batches = new Batches();
    batches.decide([answered('a', 'r1')]);
    const later = spanOf(
      { ...GPT_4O, 'gen_ai.response.id': 'r1' },
      { spanId: 'd', startUnixNano: NOW_NANOS + 60_000_000_000n, endUnixNano: NOW_NANOS + 61_000_000_000n },
    );
    const others = [
      answered('b', 'r1', { 'gen_ai.usage.output_tokens': 499 }),
      answered('c', 'r1', { 'tenant.id': 'other' }),
      later,
    ];
    for (const span of others) assert.deepEqual(batches.decide([span]), ['priced']);
  });

  it('bills no twin of a call that was billed by an estimate, whatever the twin counts', () => {
    const silent = { ...GPT_4O, ...CHARACTERS } as Record<string, AttributeValue>;
    delete silent['gen_ai.usage.input_tokens'];
    delete silent['gen_ai.usage.output_tokens'];
    const byResponse = new Batches();
    const first = spanOf({ ...silent, 'gen_ai.response.id': 'r1' }, { spanId: 'a' });
    assert.deepEqual(byResponse.decide([first]), ['priced']);
    assert.deepEqual(byResponse.decide([answered('b', 'r1')]), ['duplicate of a']);
    const inner = new Batches();
    assert.deepEqual(inner.decide([spanOf(silent, { traceId: TRACE, spanId: 'b', parentSpanId: 'a' })]), [
      'priced',
    ]);
    assert.deepEqual(inner.decide([inTrace('a', null)]), ['duplicate of b']);
    const outer = new Batches();
    assert.deepEqual(outer.decide([spanOf(silent, { traceId: TRACE, spanId: 'a' })]), ['priced']);
    assert.deepEqual(outer.decide([inTrace('b', 'a')]), ['duplicate of a']);
  });

  it('takes a parent that repeats the sum of earlier children for no call', () => {
    const batches = new Batches();
    const half = { 'gen_ai.usage.input_tokens': 500, 'gen_ai.usage.output_tokens': 250 };
    batches.decide([inTrace('b', 'a', half)]);
    batches.decide([inTrace('c', 'a', half)]);
    assert.deepEqual(batches.decide([inTrace('a', null)]), ['not_billable']);
  });

  it('bills the parts of a sum that was billed before them no more', () => {
    const batches = new Batches();
    const half = { 'gen_ai.usage.input_tokens': 500, 'gen_ai.usage.output_tokens': 250 };
    batches.decide([inTrace('a', null)]);
    assert.deepEqual(batches.decide([inTrace('b', 'a', half), inTrace('c', 'a', half)]), [
      'duplicate of a',
      'duplicate of a',
    ]);
  });

  it('bills every one of equal calls beside each other, though a span around them was billed before', () => {
    for (const ids of [
      ['', ''],
      ['r1', 'r2'],
    ] as const) {
      const batches = new Batches();
      const sibling = (spanId: string, responseId: string): GenAiSpan =>
        inTrace(spanId, 'a', responseId === '' ? {} : { 'gen_ai.response.id': responseId });
      assert.deepEqual(batches.decide([inTrace('a', null)]), ['priced']);
      assert.deepEqual(batches.decide([sibling('b', ids[0])]), ['duplicate of a']);
      assert.deepEqual(batches.decide([sibling('c', ids[1])]), ['priced']);
    }
  });

  it('bills one call once whose three spans come one by one from the outermost', () => {
    const inwards = new Batches();
    assert.deepEqual(inwards.decide([inTrace('a', null)]), ['priced']);
    assert.deepEqual(inwards.decide([inTrace('b', 'a')]), ['duplicate of a']);
    assert.deepEqual(inwards.decide([inTrace('c', 'b')]), ['duplicate of a']);
    const answers = new Batches();
    const id = { 'gen_ai.response.id': 'r1' };
    assert.deepEqual(answers.decide([inTrace('a', null)]), ['priced']);
    assert.deepEqual(answers.decide([inTrace('b', 'a', id)]), ['duplicate of a']);
    assert.deepEqual(answers.decide([inTrace('c', 'a', id)]), ['duplicate of a']);
  });

  it('bills a later twin where the earlier got no price or no usage', () => {
    const unknown = { 'gen_ai.request.model': 'made-up', 'gen_ai.response.model': 'made-up' };
    const unpriced = new Batches();
    assert.deepEqual(unpriced.decide([answered('a', 'r1', unknown)]), ['unpriced_model']);
    assert.deepEqual(unpriced.decide([answered('b', 'r1')]), ['priced']);
    const bare = new Batches();
    const { 'gen_ai.usage.input_tokens': _in, 'gen_ai.usage.output_tokens': _out, ...rest } = GPT_4O;
    assert.deepEqual(bare.decide([spanOf({ ...rest, 'gen_ai.response.id': 'r1' }, { spanId: 'a' })]), [
      'missing_usage',
    ]);
    assert.deepEqual(bare.decide([answered('b', 'r1')]), ['priced']);
  });

  it('estimates no span around a call that came earlier with its usage, nor one inside of it', () => {
    const { 'gen_ai.usage.input_tokens': _in, 'gen_ai.usage.output_tokens': _out, ...rest } = GPT_4O;
    const bare = (spanId: string, parentSpanId: string | null): GenAiSpan =>
      spanOf({ ...rest, ...CHARACTERS }, { traceId: TRACE, spanId, parentSpanId });
    assert.deepEqual(new Batches().decide([bare('a', null)]), ['priced']);
    const innerFirst = new Batches();
    assert.deepEqual(innerFirst.decide([inTrace('b', 'a')]), ['priced']);
    assert.deepEqual(innerFirst.decide([bare('a', null)]), ['missing_usage']);
    const outerFirst = new Batches();
    assert.deepEqual(outerFirst.decide([inTrace('a', null)]), ['priced']);
    assert.deepEqual(outerFirst.decide([bare('b', 'a')]), ['missing_usage']);
    const bothBare = new Batches();
    assert.deepEqual(bothBare.decide([bare('b', 'a')]), ['priced']);
    assert.deepEqual(bothBare.decide([bare('a', null)]), ['missing_usage']);
  });

  it('bills one response once where the span that came first was estimated', () => {
    const batches = new Batches();
    const { 'gen_ai.usage.input_tokens': _in, 'gen_ai.usage.output_tokens': _out, ...rest } = GPT_4O;
    const bare = spanOf({ ...rest, ...CHARACTERS, 'gen_ai.response.id': 'r1' }, { spanId: 'a' });
    assert.deepEqual(batches.decide([bare]), ['priced']);
    assert.deepEqual(batches.decide([answered('b', 'r1')]), ['duplicate of a']);
  });

  it('leaves one of two twins without a price to be billed once there is one', () => {
    const unknown = { 'gen_ai.request.model': 'made-up' };
    const answers = new Batches();
    assert.deepEqual(answers.decide([answered('a', 'r1', unknown)]), ['unpriced_model']);
    assert.deepEqual(answers.decide([answered('b', 'r1', unknown)]), ['duplicate of a']);
    const nested = new Batches();
    assert.deepEqual(nested.decide([inTrace('b', 'a', unknown)]), ['unpriced_model']);
    assert.deepEqual(nested.decide([inTrace('a', null, unknown)]), ['duplicate of b']);
    // What the price may be found by is known of the later one alone.
    for (const more of [{ 'gen_ai.response.model': 'gpt-4o' }, { 'gen_ai.provider.name': 'anthropic' }]) {
      const batches = new Batches();
      batches.decide([answered('a', 'r1', unknown)]);
      const [status] = batches.decide([answered('b', 'r1', { ...unknown, ...more })]);
      assert.ok(status === 'priced' || status === 'unpriced_model', status);
    }
  });

  it('says of a span that is sent again what it said before, whoever is in the window', () => {
    const batches = new Batches();
    const outer = inTrace('a', null);
    batches.decide([inTrace('b', 'a')]);
    assert.deepEqual(batches.decide([outer]), ['duplicate of b']);
    assert.deepEqual(batches.decide([outer]), ['duplicate of b']);
    const half = { 'gen_ai.usage.input_tokens': 500, 'gen_ai.usage.output_tokens': 250 };
    const sums = new Batches();
    sums.decide([inTrace('b', 'a', half), inTrace('c', 'a', half)]);
    assert.deepEqual(sums.decide([outer]), ['not_billable']);
    assert.deepEqual(sums.decide([outer]), ['not_billable']);
  });

  it('forgets a call once the window has passed', () => {
    const batches = new Batches();
    batches.decide([inTrace('b', 'a')]);
    const after = { receivedUnixMs: NOW_MS + WINDOW.windowMs };
    assert.deepEqual(batches.decide([inTrace('a', null)], after), ['duplicate of b']);
    const later = { receivedUnixMs: NOW_MS + WINDOW.windowMs + 1 };
    assert.deepEqual(batches.decide([inTrace('z', 'a')], later), ['priced']);
  });

  it('decides a stretch of the journal that is read again as it did, never by itself', () => {
    const batches = new Batches();
    const inner = inTrace('b', 'a');
    const outer = inTrace('a', null);
    assert.deepEqual(batches.decide([inner], { sequence: 1 }), ['priced']);
    assert.deepEqual(batches.decide([outer], { sequence: 2 }), ['duplicate of b']);
    for (let again = 0; again < 3; again++) {
      assert.deepEqual(batches.decide([inner], { sequence: 1 }), ['priced']);
      assert.deepEqual(batches.decide([outer], { sequence: 2 }), ['duplicate of b']);
    }
  });

  it('bills exactly one where records are read again in other batches than before', () => {
    const batches = new Batches();
    const outer = inTrace('a', null);
    const inner = inTrace('b', 'a');
    assert.deepEqual(batches.decide([outer], { sequence: 1 }), ['priced']);
    assert.deepEqual(batches.decide([inner], { sequence: 2 }), ['duplicate of a']);
    assert.deepEqual(batches.decide([outer, inner], { sequence: 1 }), ['duplicate of b', 'priced']);
    assert.deepEqual(batches.decide([inTrace('c', 'b')], { sequence: 3 }), ['duplicate of b']);
  });

  it('leaves a resent span and its twin alone: one of them is billed', () => {
    const batches = new Batches();
    const span = inTrace('b', 'a');
    batches.decide([span]);
    // The store drops the copy; its twin must not be billed instead.
    assert.deepEqual(batches.decide([span, inTrace('a', null)]), ['priced', 'duplicate of b']);
  });

  it('knows the calls of the store after a restart', () => {
    const before = new Batches();
    const group = groupOf([inTrace('b', 'a')]);
    run([group], createNormalizer(), createAttribution(), createCountOnce(), createCost());
    assert.equal(group.calls[0]?.costStatus, 'priced');
    before.once.recall(group.calls.filter((call) => call !== null));
    assert.deepEqual(before.decide([inTrace('a', null)]), ['duplicate of b']);
  });

  it('keeps to its bound, and to the latest', () => {
    const batches = new Batches({ windowMs: 120_000, maxCalls: 100 });
    batches.decide([answered('first', 'first')]);
    for (let i = 0; i < 20; i++) {
      batches.decide(Array.from({ length: 10 }, (_, n) => answered(`s${i}-${n}`, `r${i}-${n}`)));
    }
    assert.deepEqual(batches.decide([answered('x', 'first')]), ['priced']);
    assert.deepEqual(batches.decide([answered('y', 'r19-9')]), ['duplicate of s19-9']);
  });

  it('tells ids of one ending apart, and stays fast where thousands have it', () => {
    const batches = new Batches({ windowMs: 120_000, maxCalls: 20_000 });
    const ending = (i: number): GenAiSpan =>
      spanOf(
        { ...GPT_4O, 'gen_ai.response.id': `${i}-the-same-ending` },
        { spanId: `s${i}`, traceId: `${i.toString(16).padStart(16, '0')}${'0'.repeat(16)}` },
      );
    for (let batch = 0; batch < 8; batch++) {
      const spans = Array.from({ length: 1000 }, (_, i) => ending(batch * 1000 + i));
      assert.deepEqual(new Set(batches.decide(spans)), new Set(['priced']));
    }
    assert.deepEqual(batches.decide([answered('z', '7999-the-same-ending')]), ['duplicate of s7999']);
  });

  it('is off without a window', () => {
    const group = groupOf([inTrace('b', 'a')]);
    const steps = [createNormalizer(), createAttribution(), createCountOnce(), createCost()];
    run([group], ...steps);
    const second = groupOf([inTrace('a', null)]);
    run([second], ...steps);
    assert.equal(second.calls[0]?.costStatus, 'priced');
  });
});
