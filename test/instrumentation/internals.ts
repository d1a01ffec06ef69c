/** The package exports only what apps need; these are modules of it that tests look into. */
interface Internals {
  readonly adapters: typeof import('../../instrumentation/src/adapters.ts');
  readonly baggage: typeof import('../../instrumentation/src/baggage.ts');
  readonly 'budget-guard': typeof import('../../instrumentation/src/budget-guard.ts');
  readonly 'budget-guard-env': typeof import('../../instrumentation/src/budget-guard-env.ts');
  readonly 'captured-content': typeof import('../../instrumentation/src/captured-content.ts');
  readonly clock: typeof import('../../instrumentation/src/clock.ts');
  readonly 'content-limit': typeof import('../../instrumentation/src/content-limit.ts');
  readonly 'otlp-sender': typeof import('../../instrumentation/src/otlp-sender.ts');
  readonly instrumentation: typeof import('../../instrumentation/src/instrumentation.ts');
  readonly 'manual-host': typeof import('../../instrumentation/src/manual-host.ts');
  readonly 'plain-content': typeof import('../../instrumentation/src/plain-content.ts');
  readonly 'spent-budgets': typeof import('../../instrumentation/src/spent-budgets.ts');
  readonly 'sdks/openai': typeof import('../../instrumentation/src/sdks/openai.ts');
  readonly 'text-size': typeof import('../../instrumentation/src/text-size.ts');
}

/** One of them; `copy` asks for one that nobody else has, where it keeps what it read of the environment. */
export async function internal<K extends keyof Internals>(name: K, copy = ''): Promise<Internals[K]> {
  const url = new URL(`../../../instrumentation/dist/${name}.js`, import.meta.url).href;
  return (await import(copy === '' ? url : `${url}?${copy}`)) as Internals[K];
}

export type CallKind = import('../../instrumentation/src/adapter.ts').CallKind;
export type SdkAdapter = import('../../instrumentation/src/adapter.ts').SdkAdapter;
export type StreamReader = import('../../instrumentation/src/adapter.ts').StreamReader;
export type Config = import('../../instrumentation/src/instrumentation.ts').SdkInstrumentationConfig;
export type Message = import('../../instrumentation/src/content.ts').Message;
export type Size = import('../../instrumentation/src/text-size.ts').TextSize;
