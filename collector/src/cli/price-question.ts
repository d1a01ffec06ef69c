import { canonicalProvider } from '@spanmeter/processors';
import type { Command } from 'commander';
import type { BookOptions } from './books.ts';
import { CliError } from './output.ts';

/** What `spanmeter price` is told about one call. */
export interface PriceOptions extends BookOptions {
  readonly stdin?: true;
  readonly explain?: true;
  readonly json?: true;
  readonly trace?: string;
  readonly span?: string;
  readonly at?: string;
  readonly tenant?: string;
  readonly exclusive?: true;
  readonly reasoningApart?: true;
  readonly batch?: true;
  readonly attr?: readonly string[];
  readonly [flag: string]: unknown;
}

interface Count {
  readonly flag: string;
  /** Key of `usage` in a line of `--stdin`. */
  readonly key: string;
  readonly unit: 'tokens' | 'count' | 'seconds';
  readonly text: string;
}

const COUNTS: readonly Count[] = [
  { flag: 'input', key: 'input_tokens', unit: 'tokens', text: 'input tokens, cached ones included' },
  { flag: 'output', key: 'output_tokens', unit: 'tokens', text: 'output tokens, reasoning included' },
  { flag: 'cache-read', key: 'cache_read_tokens', unit: 'tokens', text: 'input tokens read from the cache' },
  {
    flag: 'cache-write',
    key: 'cache_write_tokens',
    unit: 'tokens',
    text: 'input tokens written to the cache',
  },
  {
    flag: 'cache-write-1h',
    key: 'cache_write_1h_tokens',
    unit: 'tokens',
    text: 'those of them that are kept for an hour',
  },
  { flag: 'reasoning', key: 'reasoning_tokens', unit: 'tokens', text: 'output tokens that were reasoning' },
  { flag: 'input-audio', key: 'input_audio_tokens', unit: 'tokens', text: 'input tokens that were audio' },
  { flag: 'output-audio', key: 'output_audio_tokens', unit: 'tokens', text: 'output tokens that were audio' },
  {
    flag: 'cache-read-audio',
    key: 'cache_read_audio_tokens',
    unit: 'tokens',
    text: 'tokens read from the cache that were audio',
  },
  { flag: 'input-image', key: 'input_image_tokens', unit: 'tokens', text: 'input tokens that were images' },
  {
    flag: 'output-image',
    key: 'output_image_tokens',
    unit: 'tokens',
    text: 'output tokens that were images',
  },
  { flag: 'audio-seconds', key: 'audio_seconds', unit: 'seconds', text: 'seconds of audio' },
  { flag: 'characters', key: 'input_characters', unit: 'count', text: 'characters of input' },
  { flag: 'images', key: 'images', unit: 'count', text: 'images made' },
  { flag: 'web-searches', key: 'web_search_requests', unit: 'count', text: 'web searches' },
  { flag: 'requests', key: 'requests', unit: 'count', text: 'requests' },
  { flag: 'duration', key: 'duration_seconds', unit: 'seconds', text: 'seconds that the call took' },
];

/** Conditions by the attribute of a span that says the same. */
const CONDITIONS: readonly (readonly [flag: string, attribute: string, text: string])[] = [
  ['tier', 'gen_ai.response.service_tier', 'service tier that served it: flex, priority, batch'],
  ['speed', 'anthropic.usage.speed', 'speed that served it: fast'],
  ['geo', 'anthropic.usage.inference_geo', 'where it was served: us, global'],
  ['region', 'cloud.region', 'region of the cloud that served it'],
  ['server-address', 'server.address', 'host that answered'],
  ['search-context', 'gen_ai.request.search_context_size', 'size of the search context: low, medium, high'],
];

function camel(flag: string): string {
  return flag.replaceAll(/-([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds what a call can be described by. */
export function addQuestionOptions(command: Command): Command {
  for (const { flag, unit, text } of COUNTS) command.option(`--${flag} <${unit}>`, text);
  for (const [flag, , text] of CONDITIONS) command.option(`--${flag} <value>`, text);
  return command
    .option('--batch', 'it was a batch request')
    .option('--attr <key=value>', 'any attribute of the span, repeatable', append)
    .option('--exclusive', '--input leaves cached tokens out')
    .option('--reasoning-apart', '--output leaves reasoning out');
}

function textOf(options: PriceOptions, flag: string): string | undefined {
  const value = options[camel(flag)];
  return typeof value === 'string' ? value : undefined;
}

function countOf(text: string, { flag, unit }: Count): number | string {
  if (unit === 'seconds') {
    if (/^\d+(\.\d+)?$/.test(text)) return text;
    throw new CliError(`--${flag} must be a number of seconds, 0 or more.`, 2);
  }
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  const what = unit === 'tokens' ? 'a whole number of tokens' : 'a whole number';
  throw new CliError(`--${flag} must be ${what}, 0 or more.`, 2);
}

/** Whether any usage was given; without it there is a price list to show, and no amount. */
export function hasUsage(options: PriceOptions): boolean {
  return COUNTS.some(({ flag }) => textOf(options, flag) !== undefined);
}

function attributesOf(options: PriceOptions): Readonly<Record<string, string | boolean>> {
  const attributes: Record<string, string | boolean> = {};
  for (const [flag, attribute] of CONDITIONS) {
    const value = textOf(options, flag);
    if (value !== undefined) attributes[attribute] = value;
  }
  if (options.batch === true) attributes['spanmeter.batch'] = true;
  for (const each of options.attr ?? []) {
    const at = each.indexOf('=');
    if (at < 1) throw new CliError(`--attr "${each}" is not key=value.`, 2);
    attributes[each.slice(0, at)] = each.slice(at + 1);
  }
  return attributes;
}

/** The question as a line of `--stdin` puts it. Throws CliError, exit code 2, where an option is no count. */
export function questionLine(operands: readonly string[], options: PriceOptions, now: Date): object {
  const [provider, model] = operands;
  if (provider === undefined || model === undefined) {
    throw new CliError(
      'Name a provider and a model, or pass --stdin. Example: price openai gpt-4o --input 1000.',
      2,
    );
  }
  if (canonicalProvider(provider) === null) throw new CliError(`"${provider}" names no provider.`, 2);
  const usage: Record<string, number | string> = {};
  for (const count of COUNTS) {
    const text = textOf(options, count.flag);
    if (text !== undefined) usage[count.key] = countOf(text, count);
  }
  return {
    id: '1',
    tenant: options.tenant,
    provider,
    model,
    usage,
    inputIncludesCached: options.exclusive !== true,
    ...(options.reasoningApart === true ? { outputIncludesReasoning: false } : {}),
    at: options.at ?? now.toISOString(),
    attrs: attributesOf(options),
  };
}
