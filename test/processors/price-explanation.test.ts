import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  answerQuestion,
  createQuestionReader,
  createTenantBooks,
  explainPrice,
  formatPico,
  nearestModels,
  parsePico,
  parsePriceOverrides,
} from '@spanmeter/processors';
import type { Conditions, PriceExplanation, TenantBooks, Usage } from '@spanmeter/processors';

const file = new URL('../../fixtures/prices.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly { id: string }[];
const shipped = createTenantBooks();

function explain(
  provider: string,
  model: string,
  usage: Usage,
  more: { conditions?: Conditions; at?: string; books?: TenantBooks; tenant?: string } = {},
): PriceExplanation {
  return explainPrice((more.books ?? shipped).of(more.tenant ?? ''), {
    provider,
    responseModel: model,
    requestModel: null,
    usage,
    conditions: more.conditions ?? {},
    atMicros: BigInt(Date.parse(more.at ?? '2026-11-20T12:00:00Z')) * 1000n,
  });
}

describe('the explanation of a price', () => {
  it('comes to the amount of every golden case, by lines that add up to it', () => {
    const read = createQuestionReader({ books: shipped });
    let priced = 0;
    for (const each of cases) {
      const question = read(each);
      if (question.fault !== null || question.reported !== null) continue;
      const answer = answerQuestion(question);
      const explanation = explainPrice(question.book, question.request);
      assert.equal(explanation.result.status, answer.status, each.id);
      const { costPicoUsd } = explanation.result;
      assert.equal(costPicoUsd === null ? null : formatPico(costPicoUsd), answer.costUsd, each.id);
      if (costPicoUsd === null) continue;
      assert.equal(parsePico(explanation.sumUsd ?? ''), costPicoUsd, each.id);
      assert.notEqual(explanation.match, null, each.id);
      assert.notEqual(explanation.price, null, each.id);
      priced++;
    }
    assert.ok(priced > 60, `${priced} of them have a price`);
  });

  it('says how a name led to a model', () => {
    const kind = (provider: string, model: string): string | undefined =>
      explain(provider, model, { input: '1' }).match?.kind;
    assert.equal(kind('openai', 'gpt-4o'), 'exact');
    assert.equal(kind('openai', 'gpt-4o-2024-08-06'), 'alias');
    assert.equal(kind('openai', 'openai/gpt-4o'), 'unwrapped');
    assert.equal(kind('openai', 'gpt-4o-2026-02-01'), 'dated');
    assert.equal(kind('gcp.gemini', 'models/gemini-2.5-flash'), 'unwrapped');
  });

  it('says whose price it is, from when to when, and where a list took it from', () => {
    const model = { provider: 'openai', model: 'gpt-4o', output_mtok: '1' };
    const { overrides } = parsePriceOverrides({
      prices: [
        { ...model, input_mtok: '3' },
        { ...model, input_mtok: '2', from: '2026-07-01' },
      ],
      deployments: [{ provider: 'azure', name: 'prod', model: 'gpt-4o-2024-08-06' }],
      tenants: { acme: { prices: [{ ...model, input_mtok: '1' }] } },
    });
    const books = createTenantBooks(overrides);
    const at = (instant: string, tenant = ''): unknown[] => {
      const { price } = explain('openai', 'gpt-4o', { input: '1' }, { books, at: instant, tenant });
      return [price?.layer, price?.from, price?.to, price?.price.rates.input_mtok];
    };
    assert.deepEqual(at('2026-06-30T00:00:00Z'), ['operator', null, '2026-07-01T00:00:00Z', '3']);
    assert.deepEqual(at('2026-07-02T00:00:00Z'), ['operator', '2026-07-01T00:00:00Z', null, '2']);
    assert.deepEqual(at('2026-07-02T00:00:00Z', 'acme'), ['tenant', null, null, '1']);
    const deployed = explain('azure.ai.openai', 'Prod', { input: '1' }, { books });
    assert.deepEqual([deployed.match?.deployedAs, deployed.match?.model], ['gpt-4o-2024-08-06', 'gpt-4o']);
    assert.equal(deployed.price?.provenance?.resold, 'openai');
    const reviewed = explain('deepseek', 'deepseek-flash', { input: '1' });
    assert.equal(reviewed.price?.layer, 'overlay');
    assert.match(reviewed.price?.provenance?.reviewed ?? '', /^2026-/);
    const generated = explain('openai', 'gpt-4o', { input: '1' });
    assert.equal(generated.price?.layer, 'base');
    assert.match(generated.price?.provenance?.source ?? '', /^@pydantic\/genai-prices@/);
  });

  it('names tier, window and conditions that decided', () => {
    const tier = (input: string): number | null | undefined =>
      explain('openai', 'gpt-5.5', { input }).context?.tier?.above ?? null;
    assert.equal(tier('272000'), null);
    assert.equal(tier('272001'), 272_000);
    const peak = explain('deepseek', 'deepseek-flash', { input: '1' }, { at: '2026-11-18T01:00:00Z' });
    assert.equal(peak.window?.from, '01:00');
    assert.equal(explain('deepseek', 'deepseek-flash', { input: '1' }).window, null);
    const { conditions } = explain(
      'openai',
      'gpt-5.5',
      { input: '1' },
      { conditions: { serviceTier: 'flex' } },
    );
    assert.deepEqual(
      conditions.map((each) => [each.condition, each.value, each.multiply]),
      [['tier', 'flex', '0.5']],
    );
  });

  it('names what is missing, and what may have been meant', () => {
    const images = explain('openai', 'gpt-4o', { input: '1', images: '2' });
    assert.deepEqual([images.result.status, images.missingRates], ['unpriced_dimension', ['per_image']]);
    const flex = explain('openai', 'gpt-4o', { input: '1' }, { conditions: { serviceTier: 'flex' } });
    assert.deepEqual([flex.result.reason, flex.missingRates], ['tier flex', []]);
    const typo = explain('anthropic', 'claude-haiku-4.6', { input: '1' });
    assert.equal(typo.match, null);
    assert.deepEqual(typo.nearest[0], { provider: 'anthropic', model: 'claude-haiku-4-5' });
    // The right model at the wrong seller.
    assert.deepEqual(nearestModels(shipped.shared, 'openai', 'claude-haiku-4-5')[0], {
      provider: 'anthropic',
      model: 'claude-haiku-4-5',
    });
    assert.deepEqual(nearestModels(shipped.shared, 'openai', ''), []);
    assert.equal(explain('nobody', 'gpt-4o', { input: '1' }).isKnownSeller, false);
  });
});
