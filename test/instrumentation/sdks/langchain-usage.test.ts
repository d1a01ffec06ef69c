import assert from 'node:assert/strict';
import { instrumentationFile } from '../../support/instrumentation-source.ts';

type Attributes = Record<string, unknown>;

const { UsageSum } = await instrumentationFile<{
  readonly UsageSum: new (provider: string) => {
    add(metadata: object): void;
    put(attributes: Attributes): void;
  };
}>('sdks/langchain/model-usage.js');

function told(provider: string, metadata: object): Attributes {
  const usage = new UsageSum(provider);
  usage.add(metadata);
  const attributes: Attributes = {};
  usage.put(attributes);
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key.replace('gen_ai.usage.', ''), value]),
  );
}

describe('usage that models of LangChain tell', () => {
  it('has images apart, which cost more than words', () => {
    const metadata = {
      input_tokens: 300,
      output_tokens: 1300,
      total_tokens: 1600,
      input_token_details: { image: 258, text: 42 },
      output_token_details: { image: 1290, text: 10 },
    };
    assert.deepEqual(told('gcp.vertex_ai', metadata), {
      input_tokens: 300,
      output_tokens: 1300,
      'image.input_tokens': 258,
      'image.output_tokens': 1290,
    });
  });

  it("has what tools put into a prompt of Vertex AI's in the input, by the total", () => {
    const metadata = { input_tokens: 100, output_tokens: 30, total_tokens: 160 };
    const details = { output_token_details: { reasoning: 20 } };
    assert.deepEqual(told('gcp.vertex_ai', { ...metadata, ...details }), {
      input_tokens: 130,
      output_tokens: 30,
      'reasoning.output_tokens': 20,
    });
    assert.deepEqual(told('gcp.gemini', metadata), { input_tokens: 100, output_tokens: 60 });
    assert.deepEqual(told('openai', metadata), { input_tokens: 100, output_tokens: 30 });
  });

  it('counts thoughts once where Vertex AI has them in its candidates', () => {
    const metadata = { input_tokens: 100, output_tokens: 50, total_tokens: 130 };
    const details = { output_token_details: { reasoning: 20 } };
    assert.equal(told('gcp.vertex_ai', { ...metadata, ...details })['output_tokens'], 30);
  });
});
