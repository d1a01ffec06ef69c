// The reference of @spanmeter/instrumentation, from its adapters, names, metrics and variables. scripts/reference.mjs
// writes it.
import { readFileSync } from 'node:fs';
import { ADAPTERS } from '../instrumentation/dist/adapters.js';
import { ENVIRONMENT } from '../instrumentation/dist/environment.js';
import { METRICS } from '../instrumentation/dist/metric-list.js';
import { METRIC_ATTRIBUTES } from '../instrumentation/dist/metrics.js';
import * as semconv from '../instrumentation/dist/semconv.js';

const code = (text) => `\`${text}\``;
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(heads, rows) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What the sentence above an exported name says, as the source has it. */
function meanings() {
  const source = readFileSync(new URL('../instrumentation/src/semconv.ts', import.meta.url), 'utf8');
  const found = new Map();
  for (const [, comment, name] of source.matchAll(
    /\/\*\*((?:(?!\*\/)[^])*?)\*\/\nexport const (ATTR_\w+)/g,
  )) {
    found.set(name, comment.replaceAll(/\s*\n\s*\*\s?/g, ' ').trim());
  }
  return found;
}

function attributes() {
  const meaning = meanings();
  const own = Object.entries(semconv)
    .filter(([name]) => name.startsWith('ATTR_') && !name.startsWith('ATTR_TOKEN_'))
    .map(([name, value]) => [code(value), meaning.get(name) ?? '']);
  const estimates = Object.values(semconv.CHARACTER_COUNTS)
    .flatMap((side) => Object.values(side))
    .map((key) => [code(key), 'Characters, where the provider told no tokens.']);
  return [...own, ...estimates].toSorted(([a], [b]) => a.localeCompare(b));
}

/** `@scope/package` of `@scope/package/entry`. */
function packageOf(module) {
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/');
}

/** A row for each range of versions, since the packages beside an SDK have numbers of their own. */
function sdks() {
  const rows = ADAPTERS.flatMap((adapter) => {
    const packages = new Map();
    for (const { module, versions } of [adapter, ...(adapter.hooks ?? [])]) {
      const range = versions.map(code).join(', ');
      packages.set(range, (packages.get(range) ?? new Set()).add(code(packageOf(module))));
    }
    const rivals = adapter.rivals.map(code).join(', ');
    return [...packages].map(([range, names]) => [[...names].join(', '), range, rivals]);
  });
  return table(['Package', 'Versions', 'Steps back under spans of'], rows);
}

function metrics() {
  const rows = Object.values(METRICS).map(({ name, type, unit, description, state, boundaries }) => [
    code(name),
    type,
    code(unit),
    state,
    boundaries === undefined ? description : `${description} Buckets: ${boundaries.join(', ')}.`,
  ]);
  return table(['Metric', 'Type', 'Unit', 'State', 'Meaning'], rows);
}

/** The page, before it is formatted. */
export function instrumentationReference() {
  return `# Instrumentation reference

<!-- Written by scripts/reference.mjs from the instrumentation's own lists; edit those. -->

What \`@spanmeter/instrumentation\` emits and reads. State of the conventions: ${semconv.SEMCONV_STATE}.
[Attribution](attribution.md) says how calls get a tenant, a user and a feature; [Budget guard](guard.md) how spent
budgets stop calls.

## SDKs

${sdks()}

Clients that other packages derive from these (\`@anthropic-ai/bedrock-sdk\`, \`@anthropic-ai/vertex-sdk\`) are covered with
them, as are subclasses of the app's own. A version outside its range is left alone, which is said once.

## Spans

One span of kind CLIENT for each call, named \`{operation} {model}\`, from the request to the end of its answer or stream,
whichever way that comes. A failed call has \`error.type\` (the HTTP status, or the class of the error) and the status
ERROR; a message of an error is never told. A stream that the app leaves is no failure.

${table(['Attribute', 'Meaning'], attributes())}

Request parameters have the names of the conventions (\`gen_ai.request.*\`), and vendors' own figures those of the vendor
(\`openai.*\`, \`anthropic.*\`, \`aws.bedrock.*\`).

## Metrics

Recorded where the app has a meter provider, with ${METRIC_ATTRIBUTES.map(code).join(', ')}; those of whole calls have
\`error.type\` besides, \`gen_ai.client.token.usage\` has \`gen_ai.token.type\`, and the counters have
\`gen_ai.token.modality\`, which is \`unknown\` where the provider does not tell. The released ones are the default;
\`OTEL_SEMCONV_STABILITY_OPT_IN\` has the latest ones. A latest counter has a 0 for an inference without usage, as the
conventions ask; the histograms \`gen_ai.client.inference.operation.*\` are for percentiles, not for sums. Of calls that
are no inference (embeddings, images, speech) the durations keep their released names.

${metrics()}

## Content

Prompts and answers are captured by opt-in alone: as JSON on the span, or structured on the event
\`${semconv.EVENT_OPERATION_DETAILS}\`, in the message format of the conventions. Media are replaced by their type and
size. What is too long has its longest texts cut, and then its first messages left out; it stays valid JSON, and
\`${semconv.ATTR_CONTENT_TRUNCATED}\` is true. A redactor gets copies and gives back what may leave; where it throws, or its
module is not loaded (yet), nothing is captured:

\`\`\`js
// redact.mjs, with SPANMETER_REDACT_MODULE=./redact.mjs
export default ({ input, output, system, tools }) => ({ input: input.map(withoutNames), output });
\`\`\`

## Environment variables

${table(
  ['Variable', 'Default', 'Meaning'],
  ENVIRONMENT.map(({ name, fallback, meaning }) => [
    code(name),
    fallback === '' ? '' : code(fallback),
    meaning,
  ]),
)}

\`register\` reads the standard \`OTEL_*\` variables of the SDK that it starts besides.
`;
}
