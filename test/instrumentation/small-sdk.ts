import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  internal,
  type CallKind,
  type Config,
  type Message,
  type SdkAdapter,
  type Size,
  type StreamReader,
} from './internals.ts';
import { memoryTelemetry, type MemoryTelemetry } from './memory-telemetry.ts';

const { SdkInstrumentation } = await internal('instrumentation');
const { TextSize } = await internal('text-size');

/** What the small SDK is asked, and what it answers. */
export interface SmallRequest {
  readonly model?: string;
  readonly text?: unknown;
  readonly system?: string;
  readonly tools?: readonly unknown[];
  readonly answer?: unknown;
  readonly usage?: Readonly<Record<string, number>>;
  readonly fail?: Error;
}

/** An SDK of two methods, for what does not depend on which SDK it is. */
export class SmallClient {
  async ask(request: SmallRequest): Promise<SmallRequest> {
    await Promise.resolve();
    if (request.fail !== undefined) throw request.fail;
    return request;
  }

  async *stream(request: SmallRequest): AsyncGenerator<string> {
    await Promise.resolve();
    for (const word of String(request.answer).split(' ')) yield word;
  }

  async embed(request: SmallRequest): Promise<SmallRequest> {
    await Promise.resolve();
    return request;
  }
}

function said(role: string, content: unknown): Message {
  return { role, parts: [{ type: 'text', content }] };
}

class Words implements StreamReader {
  readonly #capture: boolean;
  #text: string[] = [];

  constructor(capture: boolean) {
    this.#capture = capture;
  }

  read(chunk: unknown): boolean {
    if (this.#capture) this.#text.push(String(chunk));
    return true;
  }

  attributes(): Record<string, number> {
    return { 'gen_ai.usage.output_tokens': 2 };
  }

  received(): Size {
    return new TextSize();
  }

  messages(): Message[] {
    return [said('assistant', this.#text.join(' '))];
  }
}

function kind(operation: CallKind['operation']): CallKind {
  return {
    operation,
    request: (_resource, body) => ({
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': 'small',
      'gen_ai.request.model': (body as SmallRequest).model ?? 'small-1',
      'server.address': '127.0.0.1',
    }),
    response: (response) => ({ ...(response as SmallRequest).usage }),
    stream: (capture) => new Words(capture),
    content: {
      input: (body) => [said('user', (body as SmallRequest).text)],
      system: (body) => {
        const { system } = body as SmallRequest;
        return system === undefined ? [] : [{ type: 'text', content: system }];
      },
      tools: (body) => (body as SmallRequest).tools ?? [],
      output: (response) => [said('assistant', (response as SmallRequest).answer)],
    },
  };
}

const ADAPTER: SdkAdapter = {
  module: 'small-sdk',
  versions: ['>=1'],
  methods: [
    { owner: ownerOf, name: 'ask', kind: kind('chat') },
    { owner: ownerOf, name: 'stream', kind: kind('chat') },
    { owner: ownerOf, name: 'embed', kind: kind('embeddings') },
  ],
  rivals: [],
};

function ownerOf(moduleExports: unknown): object {
  return (moduleExports as { Client: typeof SmallClient }).Client.prototype;
}

export interface SmallLab extends Pick<MemoryTelemetry, 'spans' | 'metrics'> {
  readonly client: SmallClient;
  logs(): ReturnType<InMemoryLogRecordExporter['getFinishedLogRecords']>;
  close(): Promise<void>;
}

/** An instrumented client of its own class and with providers of its own; `env` holds while it is made. */
export function smallLab(env: Readonly<Record<string, string>> = {}, config: Config = {}): SmallLab {
  const before = { ...process.env };
  Object.assign(process.env, env);
  class Client extends SmallClient {}
  // Methods of its own, so that labs do not share what they patch.
  for (const name of ['ask', 'stream', 'embed'] as const) {
    Object.defineProperty(Client.prototype, name, {
      value: SmallClient.prototype[name],
      writable: true,
      configurable: true,
    });
  }
  const telemetry = memoryTelemetry();
  const logs = new InMemoryLogRecordExporter();
  const loggerProvider = new LoggerProvider({
    processors: [new SimpleLogRecordProcessor({ exporter: logs })],
  });
  const instrumentation = new SdkInstrumentation(ADAPTER, config);
  instrumentation.setTracerProvider(telemetry.tracerProvider);
  instrumentation.setLoggerProvider(loggerProvider);
  instrumentation.setMeterProvider(telemetry.meterProvider);
  instrumentation.manuallyInstrument({ Client });
  return {
    client: new Client(),
    spans: telemetry.spans,
    metrics: telemetry.metrics,
    logs: () => logs.getFinishedLogRecords(),
    async close() {
      instrumentation.disable();
      await Promise.all([telemetry.shutdown(), loggerProvider.shutdown()]);
      for (const key of Object.keys(env)) {
        if (before[key] === undefined) delete process.env[key];
        else process.env[key] = before[key];
      }
    },
  };
}

/** Runs `body` with contexts that follow asynchronous code, as every SDK sets them up. */
export async function withContexts(body: () => Promise<void>): Promise<void> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  try {
    await body();
  } finally {
    context.disable();
  }
}
