// Writes processors/src/prices/imported from LiteLLM's model map (MIT): what the base prices lack, never what they
// have. Modes (batch, flex, priority, ultrafast) become factors on the ordinary price, so that they follow its
// history; profiles and regions of Bedrock become conditions; models that the base lacks become entries.
//
//   node scripts/prices-import.mjs --map FILE --name 'LiteLLM 1.109.1' --date 2026-11-21 [--older FILE] [--also FILE]...
//
// FILE is `litellm/model_prices_and_context_window_backup.json` of the Python package; `--older` that of an earlier
// version, for models that are gone. `--also` names other tables,
// `{seller: {model: {input_mtok, output_mtok}}}`: a model that one of them prices otherwise is left out and listed.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { modelNames } from '../processors/dist/match.js';
import { mergeLists } from '../processors/dist/price-lists.js';
import { BASE_PRICES } from '../processors/dist/prices/base/index.js';
import { REVIEWED_OVERLAY } from '../processors/dist/prices/overlay.js';
import { KINDS, MODES, PREFIX, PROFILE, RATES, REGION, SELLERS } from './prices-import-names.mjs';

const { values: options } = parseArgs({
  options: {
    map: { type: 'string' },
    older: { type: 'string' },
    name: { type: 'string' },
    date: { type: 'string' },
    also: { type: 'string', multiple: true, default: [] },
  },
});
const target = join(
  dirname(dirname(fileURLToPath(import.meta.url))),
  'processors',
  'src',
  'prices',
  'imported',
);
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
// What a newer map has no more was sold once: its calls are still there to be priced.
const map = read(options.map);
for (const [key, entry] of Object.entries(options.older === undefined ? {} : read(options.older)))
  map[key] ??= entry;
const others = options.also.map(read);
const lists = mergeLists(BASE_PRICES, REVIEWED_OVERLAY);

/** Models of the map whose prices another source or plain sense contradicts; why is in the price book's page. */
const LEFT_OUT = [
  /^ft:/,
  /latest$/,
  /^deep-research/,
  /container/,
  /1024|1536|-x-/,
  /^jamba|^j2-/,
  /^claude|fast$/,
  /lyria|nova-canvas|titan-image|exp-image/,
];

/** Exact decimal text of a double that stands for a short decimal, times a whole number. */
function decimal(value, times = 1) {
  return String(Number((Number(value) * times).toPrecision(10))).replace(
    /^(\d+)(?:\.(\d+))?e-(\d+)$/,
    (_, whole, fraction = '', exponent) => {
      return `0.${'0'.repeat(Number(exponent) - whole.length)}${whole}${fraction}`;
    },
  );
}

function fieldOf(key) {
  const match = /^(.*?)(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority|ultrafast))?$/.exec(key);
  const rate = RATES[match[1]];
  return rate === undefined ? null : { rate: rate[0], times: rate[1], above: match[2], mode: match[3] };
}

/** Prices of one entry of the map: ordinary ones, those of each mode, each with those of larger contexts. */
function pricesOf(entry) {
  const modes = { ordinary: { rates: {}, tiers: {} } };
  for (const [key, value] of Object.entries(entry)) {
    const field = fieldOf(key);
    if (field === null || (typeof value !== 'number' && !/^[\d.e-]+$/.test(value)) || Number(value) <= 0)
      continue;
    const mode = (modes[field.mode ?? 'ordinary'] ??= { rates: {}, tiers: {} });
    const rates = field.above === undefined ? mode.rates : (mode.tiers[Number(field.above) * 1000] ??= {});
    rates[field.rate] = decimal(value, field.times);
  }
  const { rates } = modes.ordinary;
  if (
    entry.mode === 'audio_transcription' &&
    entry.input_cost_per_second > 0 &&
    rates.input_mtok === undefined
  ) {
    rates.audio_hour = decimal(entry.input_cost_per_second, 3600);
  }
  if (rates.reasoning_mtok === rates.output_mtok) delete rates.reasoning_mtok;
  if (rates.output_image_mtok !== undefined || rates.output_mtok !== undefined) delete rates.per_image;
  if (rates.input_image_mtok === rates.input_mtok && rates.output_image_mtok === undefined)
    delete rates.input_image_mtok;
  const search = Object.values(entry.search_context_cost_per_query ?? {});
  if (search.length > 0 && search.every((each) => each === search[0]))
    rates.web_searches_k = decimal(search[0], 1000);
  return modes;
}

/** Two prices are one where they differ by no more than the page that shows them rounds. */
function isShown(value, exact) {
  const digits = (String(value).split('.')[1] ?? '').length;
  return Math.abs(value - exact) <= 0.5000001 * 10 ** -digits && Math.abs(value / exact - 1) < 0.05;
}

/** How a mode changes the ordinary price: a factor of all rates, and those of single rates. */
function factorsOf(ordinary, mode) {
  const ratios = Object.entries(mode.rates).flatMap(([rate, usd]) =>
    ordinary.rates[rate] === undefined ? [] : [[rate, Number(usd) / Number(ordinary.rates[rate])]],
  );
  const main = ratios.find(([rate]) => rate === 'input_mtok') ?? ratios[0];
  if (main === undefined) return null;
  const multiply = Number(main[1].toFixed(4));
  if (Math.abs(multiply / main[1] - 1) > 1e-9) return null;
  const factors = {};
  for (const [rate, ratio] of ratios) {
    const exact = Number(ordinary.rates[rate]) * multiply;
    if (Math.abs(Number(mode.rates[rate]) / exact - 1) < 1e-9) continue;
    if (isShown(Number(mode.rates[rate]), exact)) return null;
    if (Math.abs(Number(ratio.toFixed(4)) / ratio - 1) > 1e-9) return null;
    factors[rate] = String(Number(ratio.toFixed(4)));
  }
  return { multiply: String(multiply), ...(Object.keys(factors).length === 0 ? {} : { factors }) };
}

function tiersOf(tiers) {
  return Object.entries(tiers).map(([above, rates]) => ({ above: Number(above), rates }));
}

function modifier(condition, value, ordinary, changed) {
  const factors = factorsOf(ordinary, changed);
  if (factors !== null) return { condition, value, ...factors };
  const tiers = tiersOf(changed.tiers);
  return { condition, value, rates: changed.rates, ...(tiers.length === 0 ? {} : { tiers }) };
}

/** Groups the map by seller and model: the plain entry, and those of profiles and regions. */
function grouped() {
  const models = new Map();
  // Azure's own list goes before that of its marketplace, which repeats some of it later.
  const isLater = ([, { litellm_provider: provider }]) => (provider === 'azure_ai' ? 1 : 0);
  for (const [key, entry] of Object.entries(map).toSorted((a, b) => isLater(a) - isLater(b))) {
    const seller = SELLERS[entry.litellm_provider];
    if (seller === undefined || !KINDS.has(entry.mode) || /commitment|claude_platform/.test(key)) continue;
    let name = key
      .replace(/^bedrock\//, '')
      .replace(PREFIX, '')
      .toLowerCase();
    const where = {};
    if (seller === 'aws.bedrock') {
      const region = REGION.exec(name);
      if (region !== null) [where.region, name] = [region[1], region[2]];
      const profile = PROFILE.exec(name)?.[1];
      if (profile !== undefined) [where.profile, name] = [profile, name.slice(profile.length + 1)];
      if (name.includes('/')) continue;
    }
    if (seller === 'azure' && /^(eu|us|apac|global|global-standard|us-gov)\//.test(name)) continue;
    const provider =
      seller !== 'google' ? null : entry.litellm_provider === 'gemini' ? 'gcp.gemini' : 'gcp.vertex_ai';
    const id = `${seller} ${name}`;
    const model = models.get(id) ?? { seller, name, plain: [], places: [] };
    models.set(id, model);
    const prices = { provider, prices: pricesOf(entry), source: entry.source };
    if (where.region === undefined && where.profile === undefined) model.plain.push(prices);
    else model.places.push({ ...where, ...prices });
  }
  return [...models.values()];
}

const FILLED = new Set([
  'cache_read_mtok',
  'cache_write_mtok',
  'cache_write_1h_mtok',
  'input_audio_mtok',
  'output_audio_mtok',
  'cache_read_audio_mtok',
  'output_image_mtok',
  'web_searches_k',
]);

function tierModifiers(model, known) {
  const found = [];
  for (const [mode, value] of Object.entries(MODES)) {
    const each = model.plain.flatMap(({ provider, prices }) =>
      prices[mode] === undefined
        ? []
        : [{ provider, change: modifier('tier', value, prices.ordinary, prices[mode]) }],
    );
    const first = each.filter(
      ({ provider }, i) => each.findIndex((other) => other.provider === provider) === i,
    );
    const same = first.every(({ change }) => JSON.stringify(change) === JSON.stringify(first[0].change));
    const providers = new Set(model.plain.map(({ provider }) => provider));
    if (each.length === 0) continue;
    const unique = same ? [first[0]] : first;
    for (const { provider, change } of unique) {
      if (known.some((own) => own.condition === 'tier' && own.value === value)) continue;
      found.push(
        same || provider === null || providers.size === 1 ? change : { ...change, providers: [provider] },
      );
      if (value === 'priority' && model.seller === 'openai') found.push({ ...found.at(-1), value: 'fast' });
    }
  }
  return found;
}

function placeModifiers(model, ordinary, known) {
  return model.places.flatMap((place) => {
    const [condition, value] =
      place.region === undefined ? ['profile', place.profile] : ['region', place.region];
    if (known.some((own) => own.condition === condition && own.value === value)) return [];
    const own = place.prices.ordinary;
    if (own.rates.input_mtok === undefined) return [];
    const change = modifier(condition, value, ordinary, own);
    return [change];
  });
}

/** Everything that the base lacks of one model that it has. */
function patchOf(model, entry) {
  const period = entry.periods.at(-1);
  const known = period.modifiers ?? [];
  const isSame = ({ prices }) =>
    ['input_mtok', 'output_mtok'].every(
      (rate) => Number(prices.ordinary.rates[rate] ?? 0) === Number(period.rates[rate] ?? 0),
    );
  const agreeing = model.plain.find(isSame);
  const same = agreeing !== undefined;
  const plain = (agreeing ?? model.plain[0])?.prices.ordinary;
  const rates = {};
  for (const [rate, usd] of Object.entries(same ? plain.rates : {})) {
    if (FILLED.has(rate) && period.rates[rate] === undefined) rates[rate] = usd;
  }
  const tiers = same && period.tiers === undefined ? tiersOf(plain.tiers) : [];
  // The map has the global price under Claude's plain names on Bedrock, the book that of a region.
  const isClaude = entry.model.includes('claude');
  const isGov = (place) => (place.profile ?? place.region).startsWith('us-gov');
  const places = isClaude && !same ? { ...model, places: model.places.filter(isGov) } : model;
  const found = !isClaude && !same ? [] : placeModifiers(places, { rates: period.rates, tiers: {} }, known);
  return {
    ...(Object.keys(rates).length === 0 ? {} : { rates }),
    ...(tiers.length === 0 ? {} : { tiers }),
    modifiers: [...tierModifiers(model, known), ...found],
  };
}

/** Modes of the global profile, where the base has it as an entry of its own. */
function globalPatch(model) {
  const entry = model.seller === 'aws.bedrock' ? listed(model.seller, `global.${model.name}`) : undefined;
  if (entry === undefined || !entry.model.startsWith('global.')) return null;
  const own = model.places.filter(({ profile }) => profile === 'global');
  const plain = [...own, ...model.plain];
  const modifiers = tierModifiers({ ...model, plain }, entry.periods.at(-1).modifiers ?? []);
  return { entry, patch: { modifiers } };
}

function namesOf(seller, name) {
  if (seller !== 'google') return [];
  const short = name.slice(name.lastIndexOf('/') + 1);
  const plain = short.replace(/@(default|latest)$/, '').replace('@', '-');
  return [...new Set([short, plain])].filter((each) => each !== name);
}

/** The book's own entry of a model, found as a span's model would be. */
function listed(seller, name) {
  const names = modelNames(seller, name);
  const byName = lists.get(seller)?.byName;
  return [...names.exact, ...names.undated]
    .map((each) => byName?.get(each.name))
    .find((each) => each !== undefined);
}

const contradicted = [];

/** Claude's plain names on Bedrock stand for a region, whose price the map has under a profile. */
function claudeEntries(model) {
  const regional = model.places.find(({ profile }) => profile === 'us') ?? model.plain[0];
  const world = model.places.find(({ profile }) => profile === 'global') ?? model.plain[0];
  const gov = model.places.filter(({ profile }) => profile === 'us-gov');
  return [
    entryOf({ ...model, plain: [regional], places: gov }),
    ...(world === undefined
      ? []
      : [entryOf({ ...model, name: `global.${model.name}`, plain: [world], places: [] })]),
  ].filter((each) => each !== null);
}

function entryOf(model) {
  const plain = model.plain[0] ?? model.places.find(({ profile }) => profile === 'us') ?? model.places[0];
  const { ordinary } = plain.prices;
  const { rates } = ordinary;
  const isPriced = Object.keys(rates).some((rate) => rate !== 'web_searches_k' && !rate.startsWith('cache'));
  if (!isPriced || LEFT_OUT.some((pattern) => pattern.test(model.name))) return null;
  for (const other of others) {
    const theirs = other[model.seller]?.[model.name];
    if (theirs === undefined) continue;
    for (const rate of ['input_mtok', 'output_mtok']) {
      if (
        theirs[rate] === undefined ||
        rates[rate] === undefined ||
        Number(theirs[rate]) === Number(rates[rate])
      )
        continue;
      contradicted.push(`${model.seller} ${model.name} ${rate}: ${rates[rate]} here, ${theirs[rate]} there`);
      return null;
    }
  }
  const tiers = tiersOf(ordinary.tiers);
  const modifiers = [
    ...tierModifiers({ ...model, plain: model.plain.length === 0 ? [plain] : model.plain }, []),
    ...placeModifiers(model, ordinary, []),
  ];
  const aliases = namesOf(model.seller, model.name);
  return {
    model: model.name,
    ...(aliases.length === 0 ? {} : { aliases }),
    rates,
    ...(tiers.length === 0 ? {} : { tiers }),
    ...(modifiers.length === 0 ? {} : { modifiers }),
  };
}

const bySeller = new Map();
const patches = new Map();
for (const model of grouped()) {
  const seller = bySeller.get(model.seller) ?? { entries: [], patches: [] };
  bySeller.set(model.seller, seller);
  const entry = listed(model.seller, model.name);
  if (entry === undefined) {
    const added = model.name.startsWith('anthropic.') ? claudeEntries(model) : [entryOf(model)];
    seller.entries.push(...added.filter((each) => each !== null));
    continue;
  }
  const key = `${model.seller} ${entry.model}`;
  const known = patches.get(key);
  // The id itself goes first; its other names add the modes that the map has for them alone.
  if (known === undefined)
    patches.set(key, { model: { ...model, plain: [...model.plain], places: [...model.places] }, entry });
  else if (entry.model === model.name)
    known.model = { ...model, plain: [...model.plain, ...known.model.plain], places: model.places };
  else known.model.plain.push(...model.plain);
}
const worldwide = [];
for (const { model } of patches.values()) {
  const found = globalPatch(model);
  if (found !== null) worldwide.push({ model, ...found });
  const regional = model.places.filter(({ profile }) => profile === 'us');
  if (model.plain.length === 0) model.plain.push(...regional);
}
for (const { model, entry, patch = patchOf(model, entry) } of [...patches.values(), ...worldwide]) {
  const seller = bySeller.get(model.seller);
  if (patch.rates === undefined && patch.tiers === undefined && patch.modifiers.length === 0) continue;
  if (patch.modifiers.length === 0) delete patch.modifiers;
  const text = JSON.stringify(patch);
  const same = seller.patches.find((each) => each.text === text);
  if (same === undefined) seller.patches.push({ text, models: [entry.model], patch });
  else same.models.push(entry.model);
}

mkdirSync(target, { recursive: true });
for (const file of readdirSync(target)) rmSync(join(target, file));
const style = { parser: 'typescript', printWidth: 110, singleQuote: true, trailingComma: 'all' };
const MOST_LINES = 460;
const parts = [];

async function write(seller, kind, rows) {
  let left = rows;
  for (let part = 1; left.length > 0; part++) {
    let take = left.length;
    for (;;) {
      const suffix = rows === left && take === left.length ? '' : `-${part}`;
      const file = `${seller.replace(/[^a-z0-9]/g, '-')}-${kind}${suffix}.ts`;
      const constant = file.replace('.ts', '').toUpperCase().replace(/-/g, '_');
      const type = kind === 'models' ? 'ImportedModel' : 'ImportedPatch';
      const text = await format(
        `// Generated by scripts/prices-import.mjs from ${options.name} (MIT), ${options.date}. Corrections: ../overlay.ts.
import type { ${type} } from '../imported.ts';

/** ${kind === 'models' ? `Models of ${seller} that the base prices lack.` : `What the base prices lack of models of ${seller} that they have.`} */
export const ${constant}: readonly ${type}[] = ${JSON.stringify(left.slice(0, take))};
`,
        style,
      );
      const lines = text.split('\n').length;
      if (lines > MOST_LINES) {
        take = Math.max(1, Math.floor((take * MOST_LINES * 0.95) / lines));
        continue;
      }
      writeFileSync(join(target, file), text);
      parts.push({ seller, kind, constant, file });
      break;
    }
    left = left.slice(take);
  }
}

let models = 0;
for (const [seller, { entries, patches: changes }] of [...bySeller].toSorted(([a], [b]) =>
  a < b ? -1 : 1,
)) {
  models += entries.length;
  await write(
    seller,
    'models',
    entries.toSorted((a, b) => (a.model < b.model ? -1 : 1)),
  );
  await write(
    seller,
    'conditions',
    changes.map(({ models: names, patch }) => ({ models: names.toSorted(), ...patch })),
  );
}
const sellers = [...new Set(parts.map(({ seller }) => seller))];
const group = (kind) =>
  sellers
    .filter((seller) => parts.some((part) => part.kind === kind && part.seller === seller))
    .map(
      (seller) =>
        `'${seller}': [${parts
          .filter((part) => part.kind === kind && part.seller === seller)
          .map(({ constant }) => `...${constant}`)
          .join(', ')}]`,
    )
    .join(',\n');
writeFileSync(
  join(target, 'index.ts'),
  await format(
    `// Generated by scripts/prices-import.mjs from ${options.name} (MIT), ${options.date}.
import type { ImportedModel, ImportedPatch } from '../imported.ts';
${parts.map(({ constant, file }) => `import { ${constant} } from './${file}';`).join('\n')}

/** Where the imported prices come from, and when they were. */
export const IMPORT_SOURCE = ${JSON.stringify(options.name)};
export const IMPORT_DATE = ${JSON.stringify(options.date)};

/** Models that the base lacks, by seller. */
export const IMPORTED_MODELS: Readonly<Record<string, readonly ImportedModel[]>> = {${group('models')}};

/** What the base lacks of models that it has, by seller. */
export const IMPORTED_PATCHES: Readonly<Record<string, readonly ImportedPatch[]>> = {${group('conditions')}};
`,
    style,
  ),
);
console.log(
  `${models} models, ${patches.size} of the base looked at; left out, since tables disagree: ${contradicted.length}`,
);
for (const each of contradicted) console.log(`  ${each}`);
