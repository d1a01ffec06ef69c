import {
  answerQuestion,
  createPricer,
  createQuestionReader,
  createTenantBooks,
  explainPrice,
  formatPico,
  instantText,
  type PricedLine,
  type PriceExplanation,
  type PriceOverrides,
  type PriceQuestion,
} from '@spanmeter/processors';
import type { Command } from 'commander';
import { readCurrentOverrides } from '../prices/current-overrides.ts';
import { PriceFilesError } from '../prices/price-files.ts';
import { addBookOptions, currentPricing, type CurrentPricing } from './books.ts';
import { explainStored } from './explain-stored.ts';
import { explanationJson } from './explanation-json.ts';
import { inputLines, type InputLine } from './input-lines.ts';
import { bold, CliError, printable, runs, type CliContext } from './output.ts';
import { explanationText, recognitionText } from './price-explained.ts';
import { priceListText } from './price-list-text.ts';
import { addQuestionOptions, hasUsage, questionLine, type PriceOptions } from './price-question.ts';

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

/** An amount with what it is made of, for a person. */
function summary(answer: PricedLine, what: string): string {
  if (answer.costUsd === null) {
    return `${what}: ${answer.status}${answer.reason === undefined || answer.reason === answer.status ? '' : ` (${answer.reason})`}\n`;
  }
  const rows = answer.lines.map(
    ({ bucket, count: units, rate, per, factor, amount, note }) =>
      `  ${bucket.padEnd(20)} ${units.padStart(12)} x ${rate} USD per ${per.toLocaleString('en-US')}` +
      `${factor === undefined ? '' : ` x ${factor}`} = ${amount}${note === undefined ? '' : `  (${note})`}\n`,
  );
  return `${what}: ${answer.costUsd} USD (${answer.status}, book ${answer.priceVersion ?? 'none'})\n${rows.join('')}`;
}

interface Understood {
  readonly question: PriceQuestion;
  readonly answer: PricedLine;
  readonly explanation: PriceExplanation;
}

function understand(line: object, pricing: CurrentPricing): Understood {
  const { books, reportedAuthoritative } = pricing;
  try {
    const question = createQuestionReader({ books, reportedAuthoritative })(line);
    const explanation = explainPrice(question.book, question.request);
    return { question, answer: answerQuestion(question), explanation };
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), 2, { cause: error });
  }
}

function heading({ question }: Understood, text: string, context: CliContext): string {
  const { provider, requestModel, responseModel, atMicros } = question.request;
  const what = `${provider} ${responseModel ?? requestModel ?? ''}`;
  return bold(printable(`${what} at ${instantText(Number(atMicros)) ?? ''}${text}`), context.colours);
}

/** The reasoning in full; where the emitter's own figure counts, that is said first. */
function explained(understood: Understood, context: CliContext): string {
  const { question, answer, explanation } = understood;
  const amount = answer.costUsd === null ? answer.status : `${answer.costUsd} USD`;
  const title = `${heading(understood, `: ${amount}`, context)}\n\n`;
  if (answer.status !== 'reported') {
    const text =
      question.fault === null
        ? explanationText(explanation, answer.costUsd, context)
        : `${question.fault.reason ?? question.fault.status}\n`;
    return `${title}${text}`;
  }
  const ours = explanation.result.costPicoUsd;
  return (
    `${title}This is what the emitter reports, which counts for ${question.request.provider}. By the book:\n\n` +
    explanationText(explanation, ours === null ? null : formatPico(ours), context)
  );
}

/** The price list of a model at that time: what there is to say where nothing was used. */
function listed(understood: Understood, context: CliContext): string {
  const { explanation } = understood;
  const { price } = explanation;
  if (price === null) {
    return `${heading(understood, ': no price', context)}\n\n${explanationText(explanation, null, context)}`;
  }
  return `${heading(understood, '', context)}\n\n${recognitionText(explanation, context)}\n${priceListText(price, context)}`;
}

async function pricingOf(options: PriceOptions, context: CliContext): Promise<CurrentPricing> {
  // Without a configuration named, prices are those that ship and those of --prices, as with --stdin.
  if (options.config !== undefined || options.set !== undefined)
    return currentPricing(options, context, null);
  const overrides = options.prices === undefined ? undefined : await prices(options.prices);
  return { books: createTenantBooks(overrides), reportedAuthoritative: ['openrouter'] };
}

async function priceOne(
  context: CliContext,
  operands: readonly string[],
  options: PriceOptions,
): Promise<void> {
  const line = questionLine(operands, options, context.now());
  const understood = understand(line, await pricingOf(options, context));
  const { answer, explanation } = understood;
  const isList = !hasUsage(options) && answer.status === 'missing_usage';
  if (options.json === true) {
    const why = options.explain === true ? { explanation: explanationJson(explanation) } : {};
    context.write(`${JSON.stringify({ ...answer, ...why })}\n`);
  } else if (isList) context.write(listed(understood, context));
  else if (options.explain === true) context.write(explained(understood, context));
  else context.write(summary(answer, `${operands[0] ?? ''} ${operands[1] ?? ''}`));
  const isShown = isList && options.json !== true && explanation.price !== null;
  if (answer.costUsd === null && !isShown) context.setExitCode(1);
}

/** `spanmeter price`: what a call costs, from arguments, from a stored call, or from JSON lines. */
export function registerPrice(program: Command, context: CliContext): void {
  const command = program
    .command('price')
    .description('what a call costs and why; with --stdin one JSON object a line, answered in order')
    .argument('[provider]', 'such as openai or aws.bedrock')
    .argument('[model]', 'the model id as the provider writes it; without usage, its price list')
    .option('--stdin', 'read JSON lines from standard input')
    .option('--explain', 'the whole reasoning: how it was recognised, which price, every line, rounding')
    .option(
      '--trace <id>',
      'with --explain: calls of this trace as they are stored (found sooner with --tenant)',
    )
    .option('--span <id>', 'with --trace: one span of it')
    .option('--tenant <id>', 'whose prices apply')
    .option('--at <instant>', 'when the call started; by default now')
    .option('--json', 'one JSON object instead of text');
  addQuestionOptions(addBookOptions(command));
  runs(command, context, async (operands) => {
    const options = command.opts<PriceOptions>();
    if (options.stdin === true) {
      await priceLines(context, options.prices === undefined ? null : await prices(options.prices));
    } else if (options.trace !== undefined || options.span !== undefined) {
      await explainStored(options, context);
    } else await priceOne(context, operands, options);
  });
}

async function prices(path: string): Promise<PriceOverrides> {
  try {
    return await readCurrentOverrides({ pricesFile: path, database: null });
  } catch (error) {
    if (error instanceof PriceFilesError) throw new CliError(error.message, 2, { cause: error });
    throw error;
  }
}
