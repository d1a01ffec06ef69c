import { createPricer, type PricedLine, type PriceOverrides } from '@spanmeter/processors';
import type { Command } from 'commander';
import { readPrices } from '../service/price-file.ts';
import { inputLines, type InputLine } from './input-lines.ts';
import { CliError, runs, type CliContext } from './output.ts';

interface PriceOptions {
  readonly stdin?: true;
  readonly prices?: string;
  readonly at?: string;
  readonly json?: true;
  readonly tenant?: string;
  readonly input?: string;
  readonly output?: string;
  readonly cacheRead?: string;
  readonly cacheWrite?: string;
  readonly cacheWrite1h?: string;
  readonly reasoning?: string;
}

/** One line may not be longer than a request with many attributes is. */
const MAX_LINE_BYTES = 1024 * 1024;

function refusedLine(reason: string): PricedLine {
  return { id: null, status: 'invalid_usage', costUsd: null, priceVersion: null, lines: [], reason };
}

/** Every line gets an answer, whatever it holds; only empty ones are passed over. */
async function priceLines(context: CliContext, overrides: PriceOverrides | null): Promise<void> {
  const price = createPricer(overrides === null ? {} : { overrides });
  const answerTo = (line: InputLine): PricedLine => {
    if (line === null) return refusedLine(`the line is longer than ${MAX_LINE_BYTES} bytes`);
    let question: unknown;
    try {
      question = JSON.parse(line);
    } catch {
      return refusedLine('the line is not JSON');
    }
    return price(question);
  };
  let first = true;
  for await (const line of inputLines(process.stdin, MAX_LINE_BYTES)) {
    const text = first && line !== null ? line.replace(/^\ufeff/, '') : line;
    first = false;
    if (text === null || text.trim() !== '') context.write(`${JSON.stringify(answerTo(text))}\n`);
  }
}

function count(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new CliError(`--${name} must be a whole number of tokens, 0 or more.`, 2);
  }
  return value;
}

function question(provider: string, model: string, options: PriceOptions, now: Date): object {
  const usage = {
    input_tokens: count(options.input, 'input'),
    output_tokens: count(options.output, 'output'),
    cache_read_tokens: count(options.cacheRead, 'cache-read'),
    cache_write_tokens: count(options.cacheWrite, 'cache-write'),
    cache_write_1h_tokens: count(options.cacheWrite1h, 'cache-write-1h'),
    reasoning_tokens: count(options.reasoning, 'reasoning'),
  };
  return {
    id: '1',
    tenant: options.tenant,
    provider,
    model,
    usage,
    inputIncludesCached: true,
    at: options.at ?? now.toISOString(),
  };
}

/** An amount with what it is made of, for a person. */
function explained(answer: PricedLine, what: string): string {
  if (answer.costUsd === null) {
    return `${what}: ${answer.status}${answer.reason === undefined ? '' : ` (${answer.reason})`}\n`;
  }
  const rows = answer.lines.map(
    ({ bucket, count: units, rate, per, factor, amount, note }) =>
      `  ${bucket.padEnd(20)} ${units.padStart(12)} x ${rate} USD per ${per.toLocaleString('en-US')}` +
      `${factor === undefined ? '' : ` x ${factor}`} = ${amount}${note === undefined ? '' : `  (${note})`}\n`,
  );
  return `${what}: ${answer.costUsd} USD (${answer.status}, book ${answer.priceVersion ?? 'none'})\n${rows.join('')}`;
}

async function priceOne(
  context: CliContext,
  operands: readonly string[],
  options: PriceOptions,
  overrides: PriceOverrides | null,
): Promise<void> {
  const [provider, model] = operands;
  if (provider === undefined || model === undefined) {
    throw new CliError(
      'Name a provider and a model, or pass --stdin. Example: price openai gpt-4o --input 1000.',
      2,
    );
  }
  const price = createPricer(overrides === null ? {} : { overrides });
  const answer = price(question(provider, model, options, context.now()));
  if (options.json === true) context.write(`${JSON.stringify(answer)}\n`);
  else context.write(explained(answer, `${provider} ${model}`));
  if (answer.costUsd === null) context.setExitCode(1);
}

/** `spanmeter price`: what a call costs, from arguments or from JSON lines on standard input. */
export function registerPrice(program: Command, context: CliContext): void {
  const command = program
    .command('price')
    .description('what a call costs and why; with --stdin one JSON object a line, answered in order')
    .argument('[provider]', 'such as openai or aws.bedrock')
    .argument('[model]', 'the model id as the provider writes it')
    .option('--stdin', 'read JSON lines from standard input')
    .option('--prices <file>', "a file of one's own prices, which come first")
    .option('--tenant <id>', 'whose prices apply')
    .option('--at <instant>', 'when the call started; by default now')
    .option('--input <tokens>', 'input tokens, cached ones included')
    .option('--output <tokens>', 'output tokens, reasoning included')
    .option('--cache-read <tokens>', 'input tokens read from the cache')
    .option('--cache-write <tokens>', 'input tokens written to the cache')
    .option('--cache-write-1h <tokens>', 'those of them that are kept for an hour')
    .option('--reasoning <tokens>', 'output tokens that were reasoning')
    .option('--json', 'one JSON object instead of text');
  runs(command, context, async (operands) => {
    const options = command.opts<PriceOptions>();
    const overrides = options.prices === undefined ? null : await prices(options.prices);
    if (options.stdin === true) await priceLines(context, overrides);
    else await priceOne(context, operands, options, overrides);
  });
}

async function prices(path: string): Promise<PriceOverrides> {
  try {
    return await readPrices(path);
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), 2, { cause: error });
  }
}
