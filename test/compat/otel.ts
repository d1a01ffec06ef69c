import { Lab, type PackageSet, type Place } from './lab.ts';
import type { Verdict } from './verdict.ts';

const CALL = `
const client = new OpenAI();
const messages = [{ role: 'user', content: 'hi' }];
async function main() {
  await trace.getTracer('app').startActiveSpan('work', async (span) => {
    await client.chat.completions.create({ model: 'gpt-4o', messages });
    span.end();
  });
}
`;

const SDK = `
const sdk = new NodeSDK({ textMapPropagator: null });
sdk.start();
process.once('beforeExit', () => sdk.shutdown());
`;

const IMPORTS = `import { trace } from '@opentelemetry/api';\nimport OpenAI from 'openai';\n`;
const REQUIRES = `const { trace } = require('@opentelemetry/api');\nconst OpenAI = require('openai');\n`;
const SDK_IMPORT = `import { NodeSDK } from '@opentelemetry/sdk-node';\n`;
const SDK_REQUIRE = `const { NodeSDK } = require('@opentelemetry/sdk-node');\n`;

const FILES = {
  'tracing.mjs': `${SDK_IMPORT}${SDK}`,
  'tracing.cjs': `${SDK_REQUIRE}${SDK}`,
  'app.mjs': `${IMPORTS}${CALL}\nawait main();\n`,
  'app.cjs': `${REQUIRES}${CALL}\nvoid main();\n`,
  // The SDK is started by the app, when everything else is loaded.
  'late.mjs': `${IMPORTS}${SDK_IMPORT}${CALL}${SDK}\nawait main();\n`,
  'late.cjs': `${REQUIRES}${SDK_REQUIRE}${CALL}${SDK}\nvoid main();\n`,
  // The SDK is started after a first call has gone out by ours.
  'later.mjs': `${IMPORTS}${SDK_IMPORT}${CALL}\nawait main();\n${SDK}\nawait main();\n`,
};

const BESIDE = ['@opentelemetry/api', 'openai@6', '@anthropic-ai/sdk'];

const SETS: Readonly<Record<string, PackageSet>> = {
  'otel-2': { packages: ['@opentelemetry/sdk-node@0.223', ...BESIDE], nodes: ['20', '22', '24', '26'] },
  'otel-3': { packages: ['@opentelemetry/sdk-node@0.301', ...BESIDE], nodes: ['22', '24', '26'] },
};

/** Beside a NodeSDK of the app's own, of the 2.x and the 3.x line, started before and after ours. */
export function checkOtel(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  return Lab.use(given, async (lab) => {
    for await (const place of lab.places(SETS, FILES)) await checkPlace(verdict, lab, place);
  });
}

async function checkPlace(verdict: Verdict, lab: Lab, { name, folder, node }: Place): Promise<void> {
  const ours = (entry: string): string => `@spanmeter/instrumentation/${entry}`;
  const ways: (readonly string[])[] = [];
  for (const [flag, type] of [
    ['--import', 'mjs'],
    ['--require', 'cjs'],
    ['--require', 'mjs'],
    ['--import', 'cjs'],
  ] as const) {
    const theirs = `./tracing.${flag === '--require' ? 'cjs' : type}`;
    ways.push([flag, ours('register'), `app.${type}`]);
    for (const entry of ['register', 'hook']) {
      ways.push([flag, ours(entry), flag, theirs, `app.${type}`]);
      ways.push([flag, theirs, flag, ours(entry), `app.${type}`]);
      ways.push([flag, ours(entry), `late.${type}`]);
    }
  }
  ways.push(['--import', ours('register'), 'later.mjs']);
  for (const args of ways) {
    lab.clear();
    const ran = await lab.run(node, args, folder);
    const times = args.at(-1) === 'later.mjs' ? 2 : 1;
    verdict.compare(
      `${name}: ${args.join(' ').replaceAll('@spanmeter/instrumentation/', '')}`,
      { ...outcome(lab), output: ran.stdout + ran.stderr, code: ran.code },
      { calls: times, works: times, calledByWork: times, output: '', code: 0 },
    );
  }
}

function outcome({ sink: { spans } }: Lab): object {
  const calls = spans.filter((span) => span.name === 'chat gpt-4o');
  const works = spans.filter((span) => span.name === 'work');
  const ids = new Set(works.map((span) => span.spanId));
  return {
    calls: calls.length,
    works: works.length,
    calledByWork: calls.filter(({ parentSpanId }) => ids.has(parentSpanId ?? '')).length,
  };
}
