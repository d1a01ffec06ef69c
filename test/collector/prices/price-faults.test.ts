import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPriceDocument } from '@spanmeter/collector/dist/prices/price-document.js';
import { REPOSITORY } from '../../support/collector-process.ts';
import { cpuTimeMs } from '../../support/cpu-time.ts';

/** One entry of `prices` with these further lines. */
const price = (...lines: readonly string[]): string =>
  ['prices:', '  - provider: openai', '    model: gpt-4o', ...lines.map((line) => `    ${line}`)].join('\n');
const RATE = "input_mtok: '1'";
const deployment = (...lines: readonly string[]): string =>
  ['deployments:', '  - provider: azure', ...lines.map((line) => `    ${line}`)].join('\n');
const discount = (...lines: readonly string[]): string =>
  ['discounts:', '  - provider: openai', ...lines.map((line) => `    ${line}`)].join('\n');
const euro = (...lines: readonly string[]): string => ['currencies:', '  EUR:', ...lines].join('\n');

/** A file, and the start of its one fault: line, column, place, what is wrong. */
const FAULTS: readonly (readonly [string, string])[] = [
  ['7', '1:1 must be a mapping'],
  ['[]', '1:1 must be a mapping'],
  ['price: []', '1:1 price is not an option here'],
  ['__proto__: []', '1:1 __proto__ is not an option here'],
  ['prices: none', '1:1 prices must be a list'],
  ['prices:\n  - 7', '2:5 prices[0] must be a mapping'],
  ['prices: []\nprices: []', '2:1 "prices" is there twice, first at 1:1'],
  [price(RATE, RATE), '5:5 "input_mtok" is there twice, first at 4:5'],
  ['prices:\n\t- a', '2:1 is no YAML: Tabs are not allowed as indentation'],
  ['prices: [', '1:10 is no YAML: Flow sequence in block collection'],
  ['a: b: c', '1:4 is no YAML: Nested mappings are not allowed in compact mappings'],
  ['prices: []\n---\nprices: []', '2:1 is no YAML: Source contains multiple documents'],
  ['%YAML 1.1\n---\nprices: []', '1:1 is YAML 1.1; only 1.2 is read'],
  ['prices: !!js/function x', '1:9 is no YAML: Unresolved tag'],
  ['x: &a [1]\nprices: *b', '2:9 *b stands for nothing: there is no &b before it'],
  ['prices: []\n<<: { prices: [] }', '2:1 merge keys (<<) are not read here'],
  ['? [a, b]\n: 1', '1:3 has a key that is no text'],
  ['prices: []\nnote: "\u0007"', '2:8 has a control character (U+0007)'],
  ['prices: []\n# \u0000', '2:3 has a control character (U+0000)'],
  [`${'['.repeat(20)}${']'.repeat(20)}`, '1:18 is nested deeper than 16 levels'],
  ['prices:\n  - model: m\n    input_mtok: 1', '2:5 prices[0].provider is missing'],
  ['prices:\n  - provider: openai\n    input_mtok: 1', '2:5 prices[0].model is missing'],
  [
    'prices:\n  - provider: langchain\n    model: m\n    input_mtok: 1',
    '2:5 prices[0].provider "langchain" names no',
  ],
  [
    "prices:\n  - provider: '*'\n    model: m\n    input_mtok: 1",
    '2:5 prices[0].provider "*" names no provider',
  ],
  [
    'prices:\n  - provider: openai\n    model: 4\n    input_mtok: 1',
    '3:5 prices[0].model must be text: put the number in',
  ],
  ["prices:\n  - provider: openai\n    model: ' '\n    input_mtok: 1", '3:5 prices[0].model must be text'],
  [
    `prices:\n  - provider: openai\n    model: ${'m'.repeat(513)}\n    input_mtok: 1`,
    '3:5 prices[0].model has more than',
  ],
  [price(), '2:5 prices[0] has no price; a free model says free: true'],
  [price('input_mtok: cheap'), '4:5 prices[0].input_mtok must be a decimal number of 0 or more'],
  [price('input_mtok:'), '4:5 prices[0].input_mtok must be a decimal'],
  [price('input_mtok: -1'), '4:5 prices[0].input_mtok must not be negative'],
  [price("input_mtok: '-0.1'"), '4:5 prices[0].input_mtok must not be negative'],
  [price('input_mtok: .nan'), '4:5 prices[0].input_mtok must be a decimal'],
  [price('input_mtok: .inf'), '4:5 prices[0].input_mtok must be a decimal'],
  [price('input_mtok: 0x10'), '4:5 prices[0].input_mtok must be a decimal'],
  [price('input_mtok: 1e27'), '4:5 prices[0].input_mtok must be less than 1000000000000000000000000000'],
  [price('input_mtok: 1e-99'), '4:5 prices[0].input_mtok has more than 64 decimals'],
  [price(`input_mtok: 0.${'1'.repeat(64)}`), '4:5 prices[0].input_mtok has more than 64 characters'],
  [price("input_mtok: '2,50'"), '4:5 prices[0].input_mtok must be a decimal'],
  [price('input_mtok: [1]'), '4:5 prices[0].input_mtok must be a decimal'],
  [price('input_token: 1', RATE), '4:5 prices[0].input_token is not an option here'],
  [price(RATE, 'from: soon'), '5:5 prices[0].from must be an instant'],
  [price(RATE, 'from: 2026'), '5:5 prices[0].from must be an instant'],
  [price(RATE, 'from: 2026-02-30'), '5:5 prices[0].from must be an instant'],
  [price(RATE, 'from: 2026-07-01T00:00:00'), '5:5 prices[0].from must be an instant'],
  [price(RATE, 'from: 2026-07-01', 'to: 2026-07-01'), '6:5 prices[0].to must be later than "from"'],
  [price(RATE, 'from: 2026-07-02', 'to: 2026-07-01T23:59:59Z'), '6:5 prices[0].to must be later'],
  [price(RATE, 'free: yes'), '5:5 prices[0].free must be true or false'],
  [price(RATE, 'free: true'), '5:5 prices[0].free is said of an entry that has a price'],
  [price(RATE, 'aliases: a'), '5:5 prices[0].aliases must be a list'],
  [price(RATE, 'aliases: [a, 7]'), '5:18 prices[0].aliases[1] must be text'],
  [price(RATE, 'currency: euro'), '5:5 prices[0].currency must be an ISO 4217 code'],
  [price(RATE, 'currency: EUR'), '5:5 prices[0].currency no rate of EUR is given'],
  [price(RATE, 'tiers: { above: 1 }'), '5:5 prices[0].tiers must be a list'],
  [price(RATE, 'tiers: [{ input_mtok: 1 }]'), '5:13 prices[0].tiers[0].above is missing'],
  [
    price(RATE, 'tiers: [{ above: 1.5, input_mtok: 1 }]'),
    '5:15 prices[0].tiers[0].above must be a number of tokens',
  ],
  [price(RATE, 'tiers: [{ above: 5 }]'), '5:13 prices[0].tiers[0] names no rate'],
  [
    price(
      RATE,
      'tiers:',
      '  - { above: 5, input_mtok: 1 }',
      '  - { above: 6, inclusive: true, input_mtok: 2 }',
    ),
    '7:9 prices[0].tiers[1] begins at the same count as prices[0].tiers[0] (prices.yaml:6:9)',
  ],
  [
    price(RATE, "windows: [{ from: '25:00', to: '01:00', input_mtok: 1 }]"),
    '5:17 prices[0].windows[0].from must be',
  ],
  [
    price(RATE, "windows: [{ from: '01:00', input_mtok: 1 }]"),
    '5:15 prices[0].windows[0].to must be a time of day',
  ],
  [
    price(RATE, "windows: [{ days: [8], from: '01:00', to: '02:00', input_mtok: 1 }]"),
    '5:24 prices[0].windows[0].days[0]',
  ],
  [price(RATE, 'conditions: [{ multiply: 2 }]'), '5:18 prices[0].conditions[0] must name one of tier'],
  [price(RATE, 'conditions: [{ tier: a, geo: b }]'), '5:18 prices[0].conditions[0] must name one of tier'],
  [
    price(RATE, 'conditions:', '  - { tier: batch, multiply: 0.5 }', '  - { tier: Batch, multiply: 0.4 }'),
    '7:9 prices[0].conditions[1] holds for tier batch at the same time as prices[0].conditions[0] (prices.yaml:6:9)',
  ],
  [deployment('model: gpt-4o'), '2:5 deployments[0].name is missing'],
  [deployment("name: 'prod-*'", 'model: gpt-4o'), '3:5 deployments[0].name must be one whole name'],
  [
    deployment('name: a', 'model: m', 'model_provider: langchain'),
    '5:5 deployments[0].model_provider "langchain"',
  ],
  [deployment('name: a', 'model: m', 'to: never'), '5:5 deployments[0].to must be an instant'],
  [discount(), '2:5 discounts[0] must have exactly one of multiply, percent, rates, subtract, free'],
  [discount('multiply: 0.9', 'percent: 10'), '2:5 discounts[0] must have exactly one of'],
  [discount('percent: 100.1'), '3:5 discounts[0].percent must be at most 100'],
  [discount('free: false'), '3:5 discounts[0].free must be true, or left out'],
  [discount('rates: {}'), '3:5 discounts[0].rates names no rate'],
  [discount('rates: { input: 1 }'), '3:14 discounts[0].rates.input is not an option here'],
  [discount('models: []', 'multiply: 1'), '3:5 discounts[0].models names no model'],
  [
    discount('multiply: 0.9', 'currency: EUR') + `\n${euro('    - { usd: 1 }')}`,
    '4:5 discounts[0].currency has no meaning',
  ],
  [
    `${discount('multiply: 0.9')}\n  - { provider: OpenAI, multiply: 0.8 }`,
    '4:5 discounts[1] is the second for openai all models factor without a start: discounts[0] says another (prices.yaml:2:5)',
  ],
  ['currencies: []', '1:1 currencies must be a mapping'],
  ['currencies: { euro: [{ usd: 1 }] }', '1:15 currencies.euro must be an ISO 4217 code'],
  ['currencies: { USD: [{ usd: 1 }] }', '1:15 currencies.USD is what all amounts are in'],
  [euro('    - { from: 2026-01-01 }'), '3:7 currencies.EUR[0].usd is missing'],
  [euro('    - { usd: 0 }'), '3:9 currencies.EUR[0].usd must be more than 0'],
  [
    euro('    - { usd: 1, from: 2026-01-01 }', '    - { usd: 2, from: 2026-01-01T00:00:00Z }'),
    '4:7 currencies.EUR[1] is the second for EUR from 2026-01-01T00:00:00.000Z: currencies.EUR[0] says another (prices.yaml:3:7)',
  ],
  [
    `${price(RATE)}\n  - { provider: OpenAI, model: GPT-4o, input_mtok: 2 }`,
    '5:5 prices[1] is the second for openai gpt-4o without a start: prices[0] says another (prices.yaml:2:5)',
  ],
  [
    `${price(RATE, 'aliases: [mine]')}\n  - { provider: openai, model: mine, input_mtok: 2 }`,
    '6:5 prices[1] is the second for openai mine without a start: prices[0] says another (prices.yaml:2:5)',
  ],
  [
    `${price(RATE, 'from: 2026-01-01', 'to: 2026-06-01')}\n` +
      '  - { provider: openai, model: gpt-4o, input_mtok: 2, from: 2026-05-01, to: 2026-12-01 }',
    '7:5 prices[1] begins before the end of prices[0] and outlasts it: end that one earlier (prices.yaml:2:5)',
  ],
  [
    `${deployment('name: a', 'model: m')}\n  - { provider: azure, name: A, model: n }`,
    '5:5 deployments[1] is the second for azure.ai.openai a without a start: deployments[0] says another',
  ],
  ['tenants: []', '1:1 tenants must be a mapping'],
  ['tenants:\n  acme: []', '2:3 tenants.acme must be a mapping'],
  ['tenants:\n  acme: { tenants: {} }', '2:11 tenants.acme.tenants is not an option here'],
  [
    'tenants:\n  a.b:\n    prices:\n      - { provider: openai, model: m }',
    '4:9 tenants.a.b.prices[0] has no price',
  ],
  ['tenants:\n  7: {}\n  "7": {}', '3:3 "7" is there twice, first at 2:3'],
  ['tenants:\n  "": {}', '2:3 tenants. is no name of a tenant'],
];

describe('a fault of a prices file', () => {
  for (const [text, expected] of FAULTS) {
    const shown = text.length > 120 ? `${text.slice(0, 120)}…` : text;
    it(`is told with line and column: ${JSON.stringify(shown)}`, () => {
      const { faults, faultCount } = readPriceDocument('prices.yaml', Buffer.from(text));
      assert.ok(faults[0]?.startsWith(`prices.yaml:${expected}`), faults.join('\n'));
      assert.equal(faultCount, 1, faults.join('\n'));
    });
  }

  it('is one of at least sixty', () => {
    assert.ok(FAULTS.length >= 60, String(FAULTS.length));
  });
});

describe('the faults of a prices file', () => {
  it('are told together, twenty of them with the number of all', () => {
    const text = `prices:\n${'  - { provider: openai, model: m, input_mtok: -1 }\n'.repeat(5000)}`;
    const { faults, faultCount } = readPriceDocument('f', Buffer.from(text));
    assert.equal(faults.length, 20);
    // Entries without a usable price contradict nothing.
    assert.equal(faultCount, 5000);
    assert.match(faults[19] ?? '', /^f:21:35 prices\[19\]\.input_mtok must not be negative$/);
  });

  it('are none where numbers are bare, however many digits they have', () => {
    const text = price('input_mtok: 0.000000000000123', 'output_mtok: 2.50000000000000000000000001');
    const { overrides, faults } = readPriceDocument('f', Buffer.from(text));
    assert.deepEqual(faults, []);
    assert.deepEqual(overrides.operator.prices[0]?.periods[0]?.rates, {
      input_mtok: '0.000000000000123',
      output_mtok: '2.50000000000000000000000001',
    });
  });

  it('are none in a name of a tenant that looks like something else, which is taken as it is written', () => {
    const text =
      'tenants: { 007: {}, 1e3: {}, null: {}, true: {}, __proto__: {}, constructor: {}, 2026-01-01: {} }';
    const { overrides, faults } = readPriceDocument('f', Buffer.from(text));
    assert.deepEqual(faults, []);
    assert.deepEqual(
      [...overrides.tenants.keys()],
      ['007', '1e3', 'null', 'true', '__proto__', 'constructor', '2026-01-01'],
    );
  });

  it('are none where an alias repeats what an anchor names, and each place is its own', () => {
    const text =
      'prices:\n  - &mine { provider: openai, model: a, input_mtok: 1 }\n' +
      '  - { provider: openai, model: b, input_mtok: 1, conditions: &c [{ tier: batch, multiply: 0.5 }] }\n' +
      '  - { provider: openai, model: d, input_mtok: 1, conditions: *c }\n';
    const { overrides, faults } = readPriceDocument('f', Buffer.from(text));
    assert.deepEqual(faults, []);
    assert.equal(overrides.operator.prices[2]?.periods[0]?.modifiers?.[0]?.multiply, '0.5');
    const twice = readPriceDocument('f', Buffer.from(`${text}  - *mine\n`));
    assert.match(twice.faults[0] ?? '', /^f:5:5 prices\[3\] is the second for openai a .*\(f:2:\d+\)$/);
  });
});

describe('the reference of prices files', () => {
  it('shows an example that is read without a fault', async () => {
    const page = await readFile(join(REPOSITORY, 'docs', 'prices.md'), 'utf8');
    const example = [...page.matchAll(/```yaml\n([^]*?)```/g)][1]?.[1] ?? '';
    const { overrides, faults } = readPriceDocument('docs/prices.md', Buffer.from(example));
    assert.deepEqual(faults, []);
    const { prices, deployments, discounts, currencies } = overrides.operator;
    assert.deepEqual([prices.length, deployments.length, discounts.length, currencies?.length], [4, 4, 5, 2]);
  });
});

describe('a hostile prices file', function () {
  const lines = (count: number): string => 'a\n'.repeat(count);
  const bomb = Array.from({ length: 14 }, (_, i) => `a${i}`)
    .map(
      (name, i, all) =>
        `${name}: &${name} [${
          i === 0
            ? '1'
            : Array(10)
                .fill(`*${all[i - 1]}`)
                .join(', ')
        }]`,
    )
    .join('\n');
  const FILES: readonly (readonly [string, Buffer, RegExp])[] = [
    ['a bomb of aliases', Buffer.from(bomb), /has more than 2000000 values, aliases counted each time/],
    ['an alias within itself', Buffer.from('prices: &a [*a]'), /nested deeper|Unresolved alias/],
    ['100,000 open brackets', Buffer.from('['.repeat(100_000)), /nested too deeply|is no YAML/],
    ['100,000 nested lists', Buffer.from('- '.repeat(100_000)), /nested too deeply/],
    ['100,000 nested mappings', Buffer.from('{a: '.repeat(100_000)), /nested too deeply|is no YAML/],
    [
      'bytes that are no UTF-8',
      Buffer.from([...Buffer.from(lines(3)), 0xff, 0xfe, 10]),
      /^f:4:1 is not valid UTF-8/,
    ],
    ['UTF-16', Buffer.from('\uFEFFprices: []', 'utf16le'), /^f:1:1 is not valid UTF-8/],
    ['50,000 faults', Buffer.from('\tfoo: bar\n'.repeat(50_000)), /Tabs are not allowed/],
    [
      '100,000 keys',
      Buffer.from(lines(0) + Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n')),
      /k0 is not/,
    ],
  ];
  for (const [name, bytes, expected] of FILES) {
    it(`of ${name} is refused in time`, function () {
      const start = cpuTimeMs();
      const { faults, overrides } = readPriceDocument('f', bytes);
      assert.ok(cpuTimeMs() - start < 20_000);
      assert.match(faults[0] ?? '', expected);
      assert.ok(faults.length <= 20);
      assert.deepEqual(overrides.operator.prices, []);
    });
  }

  it('is not composed where it is nested deeply, since V8 may end the process with the stack', () => {
    const { faults } = readPriceDocument('f', Buffer.from(`${'['.repeat(1000)}${']'.repeat(1000)}`));
    assert.deepEqual(faults, ['f is nested too deeply']);
  });
});
