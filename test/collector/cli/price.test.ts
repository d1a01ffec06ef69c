import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTenantBooks,
  parseDecimal,
  parsePico,
  parsePriceOverrides,
  type PriceBook,
} from '@spanmeter/processors';
import { parse } from 'yaml';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { adjustCost, storeUsage } from '../whatif/stored-usage.js';
import { spanmeter, type CliRun } from './running-cli.js';

const AT = ['--at', '2026-11-20T12:00:00Z'];

function price(...args: string[]): Promise<CliRun> {
  return spanmeter(['price', ...args], {});
}

async function costOf(...args: string[]): Promise<string | null> {
  return JSON.parse((await price(...args, ...AT, '--json')).out).costUsd;
}

/** The amounts on the lines of an explanation, added up in 1e-12 USD. */
function printedSum(text: string): bigint {
  const scale = 10n ** 30n;
  let sum = 0n;
  for (const [, amount] of text.matchAll(/^ {2}\w+ .* = ([\d.]+)$/gm)) {
    const exact = parseDecimal(amount!)!;
    sum += (exact.numerator * scale) / exact.denominator;
  }
  return parsePico(`${sum}e-30`)!;
}

describe('spanmeter price', () => {
  let folder: string;
  let file: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-price-'));
    file = join(folder, 'prices.yaml');
    await writeFile(
      file,
      `prices:
  - { provider: openai, model: gpt-4o, from: 2026-07-01T00:00:00Z, input_mtok: '2', output_mtok: '8' }
  - { provider: vllm, model: llama, per_second: '0.00042' }
tenants:
  acme:
    prices: [{ provider: openai, model: gpt-4o, input_mtok: '1', output_mtok: '4' }]
    discounts: [{ provider: openai, multiply: '0.9' }]
`,
    );
  });

  after(() => rm(folder, { recursive: true }));

  it('takes every count that a line of standard input takes', async () => {
    const base = ['openai', 'gpt-4o-audio-preview'];
    // 1,000 x 2.5 + 100 x 40 + 200 x 10 + 50 x 80 per million.
    const audio = ['--input', '1100', '--input-audio', '100', '--output', '250', '--output-audio', '50'];
    assert.equal(await costOf(...base, ...audio), '0.012500000000');
    assert.equal(
      await costOf('anthropic', 'claude-sonnet-4-5', '--input', '0', '--web-searches', '2'),
      '0.020000000000',
    );
    assert.equal(await costOf('vllm', 'llama', '--duration', '2.5', '--prices', file), '0.001050000000');
    assert.equal(
      await costOf('perplexity', 'sonar', '--input', '1000', '--output', '100', '--requests', '1'),
      '0.006100000000',
    );
    assert.equal(await costOf('openai', 'whisper-1', '--audio-seconds', '60'), '0.006000000000');
    const cached = ['anthropic', 'claude-sonnet-4-5', '--input', '1000', '--cache-read', '400'];
    assert.equal(await costOf(...cached), '0.001920000000');
    assert.equal(await costOf(...cached, '--exclusive'), '0.003120000000');
    const grok = ['openai', 'o3', '--input', '0', '--output', '100', '--reasoning', '50'];
    assert.equal(await costOf(...grok), '0.000800000000');
    assert.equal(await costOf(...grok, '--reasoning-apart'), '0.001200000000');
  });

  it('takes conditions by options and by any attribute', async () => {
    const call = ['openai', 'gpt-5.5', '--input', '1000000', '--output', '0'];
    const plain = await costOf(...call, '--attr', 'made.up=1');
    assert.equal(plain, '10.000000000000');
    assert.equal(await costOf(...call, '--tier', 'flex'), '5.000000000000');
    assert.equal(await costOf(...call, '--batch'), '5.000000000000');
    assert.equal(await costOf(...call, '--attr', 'openai.response.service_tier=flex'), '5.000000000000');
    assert.equal(await costOf(...call, '--server-address', 'eu.api.openai.com'), '11.000000000000');
    assert.equal(
      await costOf('gcp.vertex_ai', 'claude-sonnet-4-5', '--input', '100000', '--region', 'us-east5'),
      '0.330000000000',
    );
    assert.equal(
      await costOf('anthropic', 'claude-opus-4-6', '--input', '1000000', '--geo', 'us', '--speed', 'fast'),
      '33.000000000000',
    );
    assert.equal(
      await costOf('perplexity', 'sonar', '--input', '0', '--output', '0', '--search-context', 'high'),
      '0.012000000000',
    );
  });

  it('takes whose prices apply, and a configuration that names a file of them', async () => {
    const call = ['openai', 'gpt-4o', '--input', '1000000', '--output', '0'];
    assert.equal(await costOf(...call, '--prices', file), '2.000000000000');
    assert.equal(await costOf(...call, '--prices', file, '--tenant', 'acme'), '0.900000000000');
    assert.equal(await costOf(...call, '--set', `processors.cost.prices=${file}`), '2.000000000000');
    assert.equal(
      await costOf(...call, '--set', `processors.cost.prices=${file}`, '--prices', file, '--tenant', 'acme'),
      '0.900000000000',
    );
  });

  it('refuses what is no count, attribute, provider or file, with exit code 2', async () => {
    for (const args of [
      ['openai'],
      ['openai', 'gpt-4o', '--input', '-1'],
      ['openai', 'gpt-4o', '--input', '1.5'],
      ['openai', 'gpt-4o', '--input', '9007199254740993'],
      ['openai', 'gpt-4o', '--duration', 'long'],
      ['openai', 'gpt-4o', '--input', '1', '--attr', 'tier'],
      ['openai', 'gpt-4o', '--input', '1', '--at', 'today'],
      ['langchain', 'gpt-4o', '--input', '1'],
      ['openai', 'gpt-4o', '--prices', join(folder, 'none.yaml')],
      ['openai', 'gpt-4o', '--set', 'processors.cost.price=1'],
      ['--span', '00f067aa0ba902b7'],
    ]) {
      const { code, err } = await price(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, /^error: /, args.join(' '));
    }
  });

  it('explains an amount: recognition, price, tier, condition, every line, the sum and its rounding', async () => {
    const { code, out } = await price(
      'openai',
      'gpt-5.5-2026-04-23',
      '--input',
      '300000',
      '--cache-read',
      '100001',
      '--output',
      '7',
      '--tier',
      'flex',
      '--explain',
      ...AT,
    );
    assert.equal(code, 0);
    const first = /: ([\d.]+) USD\n/.exec(out)![1]!;
    assert.equal(printedSum(out), parsePico(first));
    assert.match(out, /^Provider +openai, billed by the price list of openai$/m);
    assert.match(out, /^Model +gpt-5\.5, from gpt-5\.5-2026-04-23, by one of its other names$/m);
    assert.match(out, /^Price +list price, valid at any time$/m);
    assert.match(
      out,
      /^Context +300,000 tokens of input, cache included: the rates that apply to the\n +whole request above 272,000$/m,
    );
    assert.match(out, /^Conditions +tier flex: token rates x 0\.5$/m);
    assert.match(out, /^ {2}input +199,999 x 10 x 0\.5 \/ 1,000,000 = 0\.999995$/m);
    assert.match(out, /Rounded once, half to even, 1e-12 +[\d.]{14,} USD$/m);
    assert.ok(
      out.split('\n').every((line) => line.length <= 80),
      out,
    );
  });

  it("explains a tenant's own price with its discount, and the emitter's own figure beside ours", async () => {
    const own = await price(
      'openai',
      'gpt-4o',
      '--input',
      '1000',
      '--explain',
      '--prices',
      file,
      '--tenant',
      'acme',
      ...AT,
    );
    assert.match(own.out, /^Price +the tenant's own, valid at any time$/m);
    assert.match(own.out, /^Discounts +everything x 0\.9, negotiated$/m);
    const reported = await price(
      'openrouter',
      'openai/gpt-4o',
      '--input',
      '1000',
      '--output',
      '1',
      '--explain',
      '--attr',
      'gen_ai.usage.cost=0.0042',
      ...AT,
    );
    assert.match(
      reported.out,
      /: 0\.004200000000 USD\n\nThis is what the emitter reports, which counts for openrouter/,
    );
    assert.match(reported.out, /= 0\.0025$/m);
  });

  it('explains what is missing, what may have been meant, and how to add a price that is then taken', async () => {
    const typo = await price('openai', 'gpt-4o-mni', '--input', '1', '--explain', ...AT);
    assert.equal(typo.code, 1);
    assert.match(typo.out, /: unpriced_model\n/);
    assert.match(typo.out, /^Nearest +openai gpt-4o-mini/m);
    const flex = await price('openai', 'gpt-5.5', '--input', '1', '--images', '2', '--explain', ...AT);
    assert.match(flex.out, /^Missing +a rate for what was used: per_image$/m);
    for (const { out } of [typo, flex]) {
      const yaml = out.slice(out.indexOf('prices:\n'));
      // As it is it holds no figure, and is refused; with one it is a prices file.
      assert.notDeepEqual(parsePriceOverrides(parse(yaml)).faults, []);
      const filled = parsePriceOverrides(parse(yaml.replaceAll("'?'", "'1.5'")));
      assert.deepEqual(filled.faults, []);
      assert.equal(filled.overrides.operator.prices.length, 1);
    }
    const model = await price('nobody', 'm', '--input', '1', '--explain', ...AT);
    assert.match(model.out, /^Provider +nobody, of which this book has no prices$/m);
  });

  it('shows the price list of a model where no usage is given', async () => {
    const { code, out } = await price('deepseek', 'deepseek-flash', ...AT);
    assert.equal(code, 0);
    assert.match(out, /^ {2}input_mtok +0\.15 USD per 1,000,000 tokens of input$/m);
    assert.match(out, /^At 01:00-04:00 UTC on Mon, Tue, Wed, Thu, Fri$/m);
    assert.match(out, /^Source +api-docs\.deepseek\.com/m);
    assert.ok(
      out.split('\n').every((line) => line.length <= 80),
      out,
    );
    const none = await price('deepseek', 'deepseek-flush', ...AT);
    assert.equal(none.code, 1);
    assert.match(none.out, /no price\n[\s\S]*Nearest +deepseek deepseek-flash/);
  });

  it('gives the reasoning to programs too', async () => {
    const { out } = await price(
      'openai',
      'gpt-4o-2024-08-06',
      '--input',
      '1000',
      '--explain',
      '--json',
      ...AT,
    );
    const { explanation, costUsd } = JSON.parse(out);
    assert.equal(costUsd, '0.002500000000');
    assert.deepEqual(
      [explanation.match.kind, explanation.match.model, explanation.sum_usd, explanation.price.layer],
      ['alias', 'gpt-4o', '0.0025', 'base'],
    );
  });
});

describe('spanmeter price --explain --trace', () => {
  let database: FreshDatabase;
  const trace = 'a'.repeat(32);
  const at = '2026-11-10T10:00:00.123456Z';
  const { shared: now } = createTenantBooks();
  const old = createTenantBooks(
    parsePriceOverrides({
      prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: '2', output_mtok: '8' }],
      tenants: { acme: { discounts: [{ provider: 'openai', multiply: '0.9' }] } },
    }).overrides,
  );
  const run = (...args: string[]): Promise<CliRun> =>
    spanmeter(['price', '--explain', '--trace', trace, ...args], { DATABASE_URL: database.url });
  const call = { at, model: 'gpt-4o', usage: { input: '1000', output: '500' }, traceId: trace };

  before(async () => {
    database = await freshDatabase();
    const store = (book: PriceBook): Promise<unknown> =>
      sql(database.url, 'INSERT INTO spanmeter.price_books (version, content) VALUES ($1, $2)', [
        book.version,
        book.content(),
      ]);
    for (const book of [now, old.shared, old.of('acme')]) await store(book);
    await storeUsage(database.url, [
      { ...call, spanId: '1'.repeat(16), cost: '0.0054', version: old.of('acme').version, reported: '0.006' },
      { ...call, spanId: '2'.repeat(16), cost: '0.0054', version: old.shared.version },
      { ...call, spanId: '3'.repeat(16), cost: null, version: now.version, model: 'unheard-of' },
      { ...call, spanId: '4'.repeat(16), cost: null, status: 'not_billable' },
      { ...call, spanId: '5'.repeat(16), cost: '0.01', status: 'reported' },
      {
        ...call,
        spanId: '6'.repeat(16),
        cost: null,
        status: 'unpriced_dimension',
        version: now.version,
        model: 'gpt-realtime',
        usage: { input: '100', cache_read: '50', input_audio: '70', output: '1' },
        attributes: {
          'spanmeter.usage.other_splits': JSON.stringify([
            { input: '150', cache_read_audio: '50', input_audio: '20', output: '1' },
          ]),
        },
      },
    ]);
    const span = { tenant: 'acme', traceId: trace, spanId: '1'.repeat(16), at };
    const oldVersion = old.of('acme').version;
    await adjustCost(database.url, span, {
      delta: '0.0021',
      oldStatus: 'priced',
      oldVersion,
      version: now.version,
    });
  });

  after(() => database.drop());

  it('reproduces a stored amount from its own book, and the corrected one from the book of the correction', async () => {
    const { code, out } = await run('--span', '1'.repeat(16));
    assert.equal(code, 0);
    assert.match(out, /acme, openai, 2026-11-10T10:00:00\.123456Z: 0\.007500000000 USD \(priced\)/);
    assert.match(out, /Reported: 0\.006000000000 USD \(gen_ai\.usage\.cost\)/);
    assert.match(out, /^Discounts +everything x 0\.9, negotiated$/m);
    assert.match(out, /^Price +the operator's own, valid at any time$/m);
    assert.match(out, /Stored: 0\.005400000000 USD\. Reproduces the stored amount to the last digit\./);
    assert.match(out, /Stored: 0\.007500000000 USD\. Reproduces the stored amount to the last digit\./);
    assert.match(out, /reprice: \+0\.002100000000 USD, priced -> priced/);
    assert.ok(
      out.split('\n').every((line) => line.length <= 80),
      out,
    );
  });

  it('says so, and exits 1, where the stored amount is another', async () => {
    const { code, out } = await run('--span', '2'.repeat(16));
    assert.equal(code, 1);
    assert.match(out, /Does NOT reproduce it: 0\.006000000000 instead of\n? *0\.005400000000\./);
    assert.match(out, /Adjustments: none/);
  });

  it('explains every billable call of a trace, priced or not', async () => {
    const { out } = await run('--json');
    const calls = JSON.parse(out) as { span_id: string; amounts: { reproduced: boolean }[] }[];
    assert.deepEqual(
      calls.map((each) => [each.span_id[0], each.amounts.map((amount) => amount.reproduced)]),
      [
        ['1', [true, true]],
        ['2', [false]],
        ['3', [true]],
        ['5', []],
        ['6', [true]],
      ],
    );
    const unknown = await run('--span', '3'.repeat(16));
    assert.equal(unknown.code, 0);
    assert.match(unknown.out, /unpriced_model/);
    assert.match((await run('--span', '5'.repeat(16))).out, /No price book decided it/);
    assert.match((await run('--span', '6'.repeat(16))).out, /unpriced_dimension: how cached tokens overlap/);
  });

  it('says what is not there, and refuses what is no id', async () => {
    const none = await run('--span', '9'.repeat(16));
    assert.deepEqual([none.code, /No call of span 9{16} of trace a{32} is stored/.test(none.err)], [1, true]);
    assert.equal((await run('--tenant', 'other')).code, 1);
    assert.equal((await run('--span', 'xyz')).code, 2);
  });
});
