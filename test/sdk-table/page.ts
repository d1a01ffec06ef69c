import type { Rival } from './entries.ts';
import { OURS, type Measured } from './measure.ts';
import { GOOD, VERDICTS } from './verdict.ts';

/** The page `docs/sdk-table.md`. */
export function renderPage(measured: readonly Measured[], rivals: readonly Rival[], day: string): string {
  const tools = [OURS, ...rivals.map(({ name }) => name)];
  return [
    '# What arrives of every call',
    '',
    'Made by `npm run sdks:table`. Each SDK is driven by one program (`test/sdks/drivers`), in every way that matters,',
    "against a local stand-in that speaks its provider's wire format and keeps account of what it told. The program",
    "runs bare, under Spanmeter's `register`, and under every other instrumentation that names the SDK, each set up as",
    'its own documentation says (`test/sdks/sets/rivals-*/setup.mjs`) and sending by OTLP to the same collector. What',
    'the collector stored is compared with what the stand-in told, priced by the same price book, and what the program',
    'printed with what it prints bare. SDKs are loaded with `require` where they allow it, which all instrumentations',
    "support. OpenInference's spans carry names of their own, which the collector does not read; its setup adds the",
    "collector's names to them, one for one.",
    'Requests of the Model Context Protocol cost nothing and are left out.',
    'Instrumentations of frameworks that change the copy of the framework beside them are left out, since each set of',
    'packages here has a folder of its own.',
    '',
    `Made on ${day} with Node ${process.versions.node}.`,
    '',
    ...table(['Verdict', 'Meaning'], Object.entries(VERDICTS)),
    '',
    '## In short',
    '',
    `Scenarios that went well (${GOOD.join(', ')}) of all; – where an instrumentation does not name the SDK.`,
    '',
    ...table(
      ['SDK', ...tools],
      measured.map((each) => [
        nameOf(each),
        ...tools.map((tool) => {
          const verdicts = each.tools[tool];
          if (verdicts === undefined) return '–';
          const good = Object.values(verdicts).filter((verdict) => GOOD.includes(verdict)).length;
          return `${good} of ${each.scenarios.length}`;
        }),
      ]),
    ),
    '',
    '## By scenario',
    '',
    'What an instrumentation that leaves the app its body cannot know, and so what is left over for Spanmeter:',
    '',
    '- In `asResponse` and `neverRead` the app keeps the unread body. A stream that the app leaves (`break`, `cancelled`,',
    '  `invokeBreak`) has often told its prompt alone, or nothing: its figures come at its end, or grow until then, and',
    '  the stand-in sends them all the same.',
    '- `wrong (kinds)`: the SDK does not pass on all that its provider told. Streams of `ai` 4 (and of its version 5 for',
    "  compatible servers) have no cache writes, and of Anthropic's no split by lifetime, so that the lower price holds.",
    '  LangChain has no cache writes of Gemini. `oddUsage` is an answer without that split.',
    '- `no usage` of a moderation, an embedding or a rerank: the provider tells no tokens.',
    '',
    ...measured.flatMap((each) => section(each)),
    '## Versions',
    '',
    ...table(
      ['Instrumentation', 'Packages'],
      rivals.map(({ name, packages }) => [
        name,
        Object.entries(packages)
          .map(([each, version]) => `${each} ${version}`)
          .join(', '),
      ]),
    ),
    '',
  ].join('\n');
}

function nameOf({ entry }: Measured): string {
  const name = `${entry.package} ${entry.version}`;
  return entry.driver === entry.sdk.sdk || entry.package.includes(entry.driver)
    ? name
    : `${name} (${entry.driver})`;
}

function section(measured: Measured): string[] {
  const tools = Object.keys(measured.tools);
  return [
    `### ${nameOf(measured)}`,
    '',
    ...table(
      ['Scenario', ...tools],
      measured.scenarios.map((scenario) => [
        scenario,
        ...tools.map((tool) => measured.tools[tool]?.[scenario] ?? '–'),
      ]),
    ),
    '',
  ];
}

/** Columns padded as prettier pads them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}
